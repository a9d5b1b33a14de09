"""System checks of the columns that a host declares: whether they take what the chat writes.

E012 a column that may not be empty, and that nothing fills
E014 user or session is no foreign key to a primary key, or user leads to another model's
E016 a field of ours that the host has taken away
E017 a model of two tables
E019 a key of several columns
W014 visitors are let in, and a session needs a user
W015 a value that must be unique, and that the chat writes twice
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as CheckWarning
from django.db.models import NOT_PROVIDED, Field, ForeignKey, UUIDField
from django.db.models.fields import DateField, DateTimeField, TimeField
from django.db.models.signals import post_init, pre_save
from django.utils.module_loading import import_string

from django_chat_sessions.authentication import AnonymousCookie
from django_chat_sessions.checks.tables import ID, models_in_use, unique_together
from django_chat_sessions.checks.texts import check_texts
from django_chat_sessions.conf import app_settings
from django_chat_sessions.models import AbstractChatMessage, AbstractChatSession, FillsPrimaryKey

PARENTS: tuple[Any, Any] = (AbstractChatSession, AbstractChatMessage)
LINKS = ("user", "session")
# What nothing reads or writes: a key may have another name, and model-utils' times are hosts' own.
MAY_GO = frozenset({"id", "created", "modified"})
# Of our own columns, those that the chat leaves empty; all others it fills in every row.
EMPTY_AT_TIMES = frozenset(
    {
        *("visitor_key", "open_key", "running_until", "ended_at", "previous"),
        *("pinned_at", "archived_at", "deleted_at"),
        *("client_key", "lease_until", "token"),
    }
)
# Whatever holds one of these never comes twice; question and answer have one created_at.
DISTINCT = (
    *({"id"}, {"open_key"}, {"client_key"}, {"token"}, {"session", "position"}),
    *({"created"}, {"started_at"}, {"opened_at"}),
)
OF_TIMES = (DateField.pre_save, DateTimeField.pre_save, TimeField.pre_save)


@register(Tags.models)
def check_columns(**kwargs: Any) -> list[CheckMessage]:
    """Each would be a server error at the first message, or later; 0 statements."""
    found: list[CheckMessage] = []
    for model, parent, link in zip(models_in_use() or (), PARENTS, LINKS, strict=False):
        if issubclass(model, parent):  # else check_models tells why not
            found += [*_refusing(model, parent, link), *_repeated(model, parent, link)]
            found += [*check_texts(model, parent), *_astray(model, link), *_gone(model, parent)]
            found += [*_divided(model, parent), *_compound(model)]
    return found


def _refusing(model: Any, parent: Any, link: str) -> Iterator[CheckMessage]:
    ours = {field.name for field in parent._meta.fields}
    may_be_filled = _fills_rows(model, parent)
    for field in model._meta.concrete_fields:
        if field.name in ours and not field.primary_key:
            is_wrong = field.name in EMPTY_AT_TIMES and not field.null
        else:
            is_wrong = field.name != link and not may_be_filled and _is_left_out(field)
        if is_wrong:
            yield Error(
                f"{field} may not be empty, and the chat writes rows without it.",
                hint=_way_out(field, is_ours=field.name in ours, parent=parent),
                id=f"{ID}.E012",
            )


def _way_out(field: Any, *, is_ours: bool, parent: Any) -> str:
    if field.primary_key:
        return (
            "Let it be a UUIDField, which the chat fills, or a BigAutoField; or give it a default "
            "that is another one each time."
        )
    if is_ours:
        return "Give it null=True, then makemigrations and migrate."
    way_out = "Give it null=True or a default, then makemigrations and migrate"
    if parent is AbstractChatSession:
        way_out += "; or fill it in save()"
    return f"{way_out}. Where the database fills it by a trigger, silence this check."


def _fills_rows(model: Any, parent: Any) -> bool:
    """Whether code of the host's sees each new row before it is written."""
    if model.__init__ is not FillsPrimaryKey.__init__ or post_init.has_listeners(model):
        return True
    # Of a message neither save() is called nor its signals are sent.
    is_saved = parent is AbstractChatSession
    return is_saved and (model.save is not parent.save or pre_save.has_listeners(model))


def _is_left_out(field: Any) -> bool:
    """Whether a new row has nothing in this column of the host's that the database would take."""
    has_value = field.has_default() or field.db_default is not NOT_PROVIDED or field.generated
    if field.null or has_value or _fills_itself(field) or _is_made(field):
        return False
    # Django writes an empty text; a second one cannot be unique.
    return bool(field.unique or not field.empty_strings_allowed)


def _is_made(field: Any) -> bool:
    """Whether it is a key that the database counts, that we make, or that a parent's row has."""
    is_link = field.remote_field is not None and field.remote_field.parent_link
    is_filled = isinstance(field, UUIDField) or is_link or field.model._meta.auto_field is field
    return bool(field.primary_key and is_filled)


def _fills_itself(field: Any) -> bool:
    asks = type(field).pre_save
    if asks in OF_TIMES:
        return bool(field.auto_now or field.auto_now_add)
    return asks is not Field.pre_save


def _astray(model: Any, name: str) -> Iterator[CheckMessage]:
    field: Any = {field.name: field for field in model._meta.concrete_fields}.get(name)
    if problem := _not_a_key(field):
        yield Error(
            f"{model._meta.label}.{name} {problem}; the chat finds nothing by it.",
            hint="Keep that column under another name in Python, and let this one be a ForeignKey "
            "to the primary key, filled by your migration's data step.",
            id=f"{ID}.E014",
        )
    elif name == "user" and not _has_keys_of_users(field):
        yield Error(
            f"{field} leads to {field.remote_field.model._meta.label}, and the chat puts keys of "
            f"{get_user_model()._meta.label} there: people would see the chats of others.",
            hint="Keep that foreign key under a name of its own, and add user as a foreign key to "
            "settings.AUTH_USER_MODEL, filled by your migration's data step.",
            id=f"{ID}.E014",
        )


def _not_a_key(field: Any) -> str:
    if not isinstance(field, ForeignKey):
        return "is no foreign key"
    to: Any = field.remote_field.model
    if isinstance(to, str):  # not installed, as Django's own check says
        return ""
    if not field.target_field.primary_key:
        return f"leads to {field.target_field}, which is not the primary key"
    return "is unique, so that nobody can have a second one" if field.unique else ""


def _has_keys_of_users(field: Any) -> bool:
    """Whether a foreign key has the values of the user model's: a proxy's and a child's are."""
    if isinstance(field.remote_field.model, str):  # not installed
        return True
    return _origin(field) is _origin(get_user_model()._meta.pk)


def _origin(field: Any) -> Any:
    """Return the column whose values a key has, found by following it from model to model."""
    while field.remote_field is not None and not isinstance(field.remote_field.model, str):
        field = field.target_field
    return field


def _gone(model: Any, parent: Any) -> Iterator[CheckMessage]:
    there = {field.name for field in model._meta.concrete_fields}
    gone = [field.name for field in parent._meta.fields if field.name not in there | MAY_GO]
    for name in sorted({*gone} - {*LINKS}):  # a link that is gone is E014
        yield Error(
            f"{model._meta.label} has no column {name}, which the chat reads and writes.",
            hint="Take nothing of the package's away (only created and modified may go), and give "
            "what has taken its place another name in Python; then makemigrations and migrate.",
            id=f"{ID}.E016",
        )


def _divided(model: Any, parent: Any) -> Iterator[CheckMessage]:
    """Yield a model that has columns in another one's table; for a session, columns of ours."""
    ours = {field.name for field in parent._meta.fields} - MAY_GO
    # A proxy's table is its parent's.
    for other in model._meta.concrete_model._meta.get_parent_list():
        theirs = {field.name for field in other._meta.concrete_fields}
        # Django inserts many rows at once into one table only; a session is saved by itself.
        if parent is AbstractChatMessage or theirs & ours:
            yield Error(
                f"{model._meta.label} is kept in two tables, its own and that of "
                f"{other._meta.label}, and the chat writes into one.",
                hint="Make that parent abstract, or let the chat use it, and give the child a "
                "OneToOneField to it instead.",
                id=f"{ID}.E017",
            )


def _compound(model: Any) -> Iterator[CheckMessage]:
    if len(model._meta.pk_fields) > 1:
        named = " and ".join(field.name for field in model._meta.pk_fields)
        yield Error(
            f"The primary key of {model._meta.label} is {named}, and the chat finds a row by one "
            "column.",
            hint="Let a column that is unique by itself be the primary key in Django; the "
            "database may keep its own.",
            id=f"{ID}.E019",
        )


def _repeated(model: Any, parent: Any, link: str) -> Iterator[CheckMessage]:
    ours = {field.name for field in parent._meta.fields} | {link}
    is_filled = _fills_rows(model, parent)
    same = {field.name for field in model._meta.concrete_fields if _comes_again(field, is_filled)}
    for names in unique_together(model):
        # Any other column that the host fills may make the row distinct; a unique link is E014.
        is_ours = names <= ours | same
        is_link = names == {link} and model._meta.get_field(link).unique
        if is_ours and not is_link and not any(distinct <= names for distinct in DISTINCT):
            named = " and ".join(sorted(names))
            yield CheckWarning(
                f"{named} of {model._meta.label} must be unique, and the chat writes the same "
                "there again: such a message is a server error.",
                hint="Take that constraint away, then makemigrations and migrate.",
                id=f"{ID}.W015",
            )


def _comes_again(field: Any, is_filled: bool) -> bool:
    """Whether many rows have the same there: what the host lets them lead to, or a default."""
    if is_filled:
        return isinstance(field, ForeignKey) and not field.unique
    return field.has_default() and not (callable(field.default) or field.default is None)


@register(Tags.models)
def check_visitors(**kwargs: Any) -> list[CheckMessage]:
    """Who is let in without an account can write; 0 statements."""
    pair = models_in_use()
    columns = {field.name: field for field in pair[0]._meta.concrete_fields} if pair else {}
    if "user" not in columns or columns["user"].null or not _lets_visitors_in():
        return []
    return [
        CheckWarning(
            f"{columns['user']} may not be empty, and AUTHENTICATORS let visitors in, who have no "
            "account: each of their messages is a server error.",
            hint="Give it null=True, then makemigrations and migrate; or take AnonymousCookie out "
            'of CHAT_SESSIONS["AUTHENTICATORS"].',
            id=f"{ID}.W014",
        )
    ]


def _lets_visitors_in() -> bool:
    try:
        known = [import_string(path) for path in app_settings.AUTHENTICATORS]
    except Exception:  # noqa: BLE001  a host's own module: what it raises is reported by check_names
        return False
    return any(isinstance(each, type) and issubclass(each, AnonymousCookie) for each in known)
