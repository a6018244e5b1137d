"""The cost bucket that all workers of a shop share."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from redis import Redis

from plugin_server.cost_bucket import CostBucket
from plugin_server.launcher.supervisor import ServiceUrls


@pytest.fixture
def redis(services: ServiceUrls) -> Redis:
    return Redis.from_url(services.redis_url)


@pytest.fixture
def name() -> str:
    return f"shop-{uuid4().hex}"


def test_before_the_first_answer_everything_may_pass(redis: Redis, name: str) -> None:
    assert [CostBucket(redis, name).take(1000) for _ in range(3)] == [0.0, 0.0, 0.0]


def test_what_is_lacking_is_waited_for_at_the_shops_own_rate(redis: Redis, name: str) -> None:
    bucket = CostBucket(redis, name)
    bucket.learn(available=100, maximum=2000, restore_rate=100, reserved=0)
    assert bucket.take(90) == 0.0
    # 10 points are left and refill at 100 a second: 590 more take 5.8 s.
    assert bucket.take(590) == pytest.approx(5.8, abs=0.2)


def test_an_answer_ends_its_own_reservation_only(redis: Redis, name: str) -> None:
    bucket = CostBucket(redis, name)
    bucket.learn(available=1000, maximum=1000, restore_rate=0.001, reserved=0)
    assert bucket.take(400) == 0.0
    assert bucket.take(400) == 0.0
    assert bucket.take(400) > 0
    bucket.learn(available=600, maximum=1000, restore_rate=0.001, reserved=400)
    assert bucket.take(200) == 0.0
    assert bucket.take(1) > 0


def test_a_query_dearer_than_the_bucket_waits_until_it_is_full_and_no_longer(redis: Redis, name: str) -> None:
    bucket = CostBucket(redis, name)
    bucket.learn(available=999, maximum=1000, restore_rate=10, reserved=0)
    assert bucket.take(5000) == pytest.approx(0.1, abs=0.09)
    bucket.learn(available=1000, maximum=1000, restore_rate=10, reserved=0)
    assert bucket.take(5000) == 0.0


def test_many_workers_never_spend_more_than_there_is(redis: Redis, name: str) -> None:
    bucket = CostBucket(redis, name)
    bucket.learn(available=1000, maximum=1000, restore_rate=0.001, reserved=0)
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda _: CostBucket(redis, name).take(30), range(64)))
    assert waits.count(0.0) == 33
    assert CostBucket(redis, f"{name}-other").take(900) == 0.0
