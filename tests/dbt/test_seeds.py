"""Seeds are loaded when one of them changed, and again when the warehouse lost them."""

from __future__ import annotations

from persona_warehouse import transform
from persona_warehouse.settings import Settings
from persona_warehouse.warehouse import connect
from tests.made_once import environment_kept


def kinds(results: list[transform.NodeResult]) -> set[str]:
    return {result.resource_type for result in results}


def test_seeds_that_are_as_they_were_are_not_loaded_again(world_home: Settings) -> None:
    with environment_kept():
        assert kinds(transform.build(world_home, "staging")) == {"model", "test"}
        with connect(world_home.warehouse_file) as connection:
            assert connection.execute("select count(*) from seeds.deal_stages").fetchall() > [(10,)]
            connection.execute("update seeds.loaded_seeds set digest = 'of other seeds'")
            connection.execute("delete from seeds.deal_stages")
        assert kinds(transform.build(world_home, "staging")) == {"model", "seed", "test"}
    with connect(world_home.warehouse_file, read_only=True) as connection:
        assert connection.execute("select count(*) from seeds.deal_stages").fetchall() > [(10,)]
