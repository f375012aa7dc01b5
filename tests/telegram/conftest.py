from tests.dev.telegram_lab import lab, stage

__all__ = ["lab", "stage"]
