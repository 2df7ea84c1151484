"""The bundled sample repository, its issue, and the scripted answers that `glmcode demo` plays."""
