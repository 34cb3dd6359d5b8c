"""docs/settings.md agrees with the settings."""

from __future__ import annotations

from scripts import settings_page
from vitrine.core.settings import Settings


def test_the_page_is_what_the_code_says() -> None:
    assert settings_page.PAGE.read_text(encoding="utf-8") == settings_page.page()


def test_every_setting_is_on_it_with_a_description() -> None:
    assert set(settings_page._descriptions()) == set(Settings.model_fields)
    page = settings_page.page()
    assert all(f"| `VITRINE_{name.upper()}` |" in page for name in Settings.model_fields)
