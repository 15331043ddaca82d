"""Evaluation of the router on recorded outcomes: ``python -m tests.eval.routing`` (``make eval-routing``)."""
