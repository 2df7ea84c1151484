"""How glmcode talks to GLM-4.6: messages, streams, and the engines that produce them."""
