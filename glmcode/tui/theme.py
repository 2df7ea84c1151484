"""The looks: glmcode's own light and dark theme; Textual's come with it."""

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
