"""`glmcode acp`: an agent of the Agent Client Protocol, for every editor that speaks it."""
