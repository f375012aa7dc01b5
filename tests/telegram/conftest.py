from tests.dev.telegram_lab import lab, stage
from tests.redis_lab import empty_redis, running_upstash

__all__ = ["empty_redis", "lab", "running_upstash", "stage"]
