from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("chat_sessions", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="chatsession",
            index=models.Index(fields=["user", "pinned_at"], name="chat_sessio_user_id_23a591_idx"),
        ),
        migrations.AddIndex(
            model_name="chatsession",
            index=models.Index(
                fields=["visitor_key", "pinned_at"], name="chat_sessio_visitor_2fa5bc_idx"
            ),
        ),
    ]
