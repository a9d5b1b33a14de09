"""`manage.py load_subjects`: the texts into the database, and two people to try the site as."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from subjects.models import Passage, Subject
from subjects.passages import SubjectText, TextError, load_subjects

# For this example only: everybody who reads this knows them.
PASSWORDS = {"student": "student-pass", "teacher": "teacher-pass"}


class Command(BaseCommand):
    help = (
        "Load the subjects from their texts and create the demo users. Run it as often as you like."
    )

    def handle(self, **options: Any) -> None:  # noqa: ARG002  Django's signature
        try:
            texts = load_subjects()
        except TextError as error:
            raise CommandError(str(error)) from error
        with transaction.atomic():
            for text in texts:
                store(text)
            for name, password in PASSWORDS.items():
                make_user(name, password)
        passages = sum(len(text.passages) for text in texts)
        self.stdout.write(f"{len(texts)} subjects with {passages} passages")
        for name, password in PASSWORDS.items():
            self.stdout.write(f"user {name}, password {password}")


def store(text: SubjectText) -> None:
    """Make the subject what its text says; its key, and so every link to it, stays."""
    subject, _ = Subject.objects.update_or_create(
        slug=text.slug,
        defaults={
            "name": text.name,
            "description": text.description,
            "questions": list(text.questions),
        },
    )
    stored = {passage.number: passage for passage in subject.passages.all()}
    for passage in text.passages:
        known = stored.pop(passage.number, None) or Passage(subject=subject, number=passage.number)
        if (known.title, known.text) != (passage.title, passage.text):
            known.title, known.text = passage.title, passage.text
            known.save()
    subject.passages.filter(number__in=stored).delete()


def make_user(name: str, password: str) -> None:
    """Create the user, or give one that the old conversations brought along a password."""
    user, created = get_user_model().objects.get_or_create(username=name)
    # Only once: hashing is slow on purpose, and a changed password stays changed.
    if created or not user.has_usable_password():
        user.set_password(password)
        user.is_staff = user.is_superuser = name == "teacher"
        user.save()
