"""What the site's templates ask about a subject."""

from __future__ import annotations

from django import template

from subjects.models import subject_of

register = template.Library()


@register.filter
def subject_name(scope: str | None) -> str:
    """Return the name of the subject that a chat is about; nothing for any other chat."""
    subject = subject_of(scope or "")
    return subject.name if subject is not None else ""
