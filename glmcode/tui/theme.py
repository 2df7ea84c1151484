"""The looks: glmcode's own light and dark theme; Textual's come with it."""

from typing import Any

from textual.app import App
from textual.theme import Theme

DARK = Theme(
    name="glmcode-dark",
    dark=True,
    primary="#7aa2ff",
    secondary="#9d8cff",
    accent="#5ad1c8",
    foreground="#d9dce7",
    background="#11131a",
    surface="#171a23",
    panel="#1f2330",
    success="#6fd08c",
    warning="#e8b45a",
    error="#f0717b",
    variables={
        "thinking": "#8b90a6",
        "diff-added": "#1d3a2a",
        "diff-removed": "#45222a",
        "footer-key-foreground": "#7aa2ff",
        "block-cursor-background": "#7aa2ff",
        "input-selection-background": "#7aa2ff 35%",
    },
)
LIGHT = Theme(
    name="glmcode-light",
    dark=False,
    primary="#2f5bd0",
    secondary="#6a4fd8",
    accent="#0f8a80",
    foreground="#1e2230",
    background="#fafbfd",
    surface="#f0f2f7",
    panel="#e4e8f1",
    success="#1f8a45",
    warning="#9a6500",
    error="#c22f3d",
    variables={
        "thinking": "#5c6278",
        "diff-added": "#d6f2df",
        "diff-removed": "#fadadd",
        "footer-key-foreground": "#2f5bd0",
        "block-cursor-background": "#2f5bd0",
        "input-selection-background": "#2f5bd0 25%",
    },
)
THEMES = (DARK, LIGHT)


def begin_with(app: App[Any], wanted: str | None) -> None:
    """Let an application begin with a theme, where it is known; before it runs.

    One that is set has all styles parsed anew, and those that are there are parsed already.
    """
    for each in THEMES:
        app.register_theme(each)
    name = wanted if wanted in app.available_themes else DARK.name
    app.set_reactive(App.theme, name)
    dark = app.current_theme.dark
    for is_so, looks in ((True, f"-theme-{name}"), (dark, "-dark-mode"), (not dark, "-light-mode")):
        app.set_class(is_so, looks, update=False)
    app._refresh_truecolor_filter(app.ansi_theme)
    app.stylesheet.set_variables(app.get_css_variables())
