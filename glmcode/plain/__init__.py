"""The plain face (`--ui plain`): lines in and lines out, for screen readers, serial consoles and logs. No textual."""
