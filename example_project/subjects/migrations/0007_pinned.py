from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("subjects", "0006_constraints"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="chatsession",
            index=models.Index(fields=["user", "pinned_at"], name="subjects_ch_user_id_9e5584_idx"),
        ),
        migrations.AddIndex(
            model_name="chatsession",
            index=models.Index(
                fields=["visitor_key", "pinned_at"], name="subjects_ch_visitor_1f4fd3_idx"
            ),
        ),
    ]
