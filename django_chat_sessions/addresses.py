"""Where our routes are, in whatever namespace a host's URLconf has included them."""

from __future__ import annotations

from typing import Any

from django.urls import URLResolver, get_resolver, get_urlconf, reverse

NAMESPACE = "chat_sessions"


def address_of(name: str, *arguments: Any) -> str:
    """Return the path of a route of ours. Raises NoReverseMatch where none are included."""
    namespace = _namespace_in(get_resolver(get_urlconf())) or NAMESPACE
    return reverse(f"{namespace}:{name}", args=arguments)


def _namespace_in(resolver: URLResolver) -> str:
    """Return the namespace of our routes, such as ``help:chat_sessions``; "" where there is none.

    An app that includes us in a URLconf of its own, with an ``app_name``, puts them into its own.
    """
    if NAMESPACE in resolver.app_dict:
        return NAMESPACE
    for outer, (_prefix, inner) in resolver.namespace_dict.items():
        found = _namespace_in(inner)
        if found:
            return f"{outer}:{found}"
    return ""
