from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("host", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(fields=["user", "pinned_at"], name="legacy_conv_user_id_fd1b14_idx"),
        ),
        migrations.AddIndex(
            model_name="conversation",
            index=models.Index(
                fields=["visitor_key", "pinned_at"], name="legacy_conv_visitor_f31ecf_idx"
            ),
        ),
    ]
