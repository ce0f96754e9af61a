"""
Many tables in one step of a migration.

Django renders every model anew after each operation, and ours all know each other: hundreds of
operations take minutes, the same ones together a few seconds. Only for the first migration of
an app, where nothing is there yet.
"""

from collections.abc import Iterable
from typing import Any

from django.db.migrations import AddConstraint, AddField, AddIndex, CreateModel
from django.db.migrations.operations.base import Operation

PARTS = (CreateModel, AddField, AddIndex, AddConstraint)


class CreateTogether(Operation):
    """Make the models of these operations, as they are after the last of them."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations = list(operations)
        wrong = {type(one).__name__ for one in self.operations if not isinstance(one, PARTS)}
        if wrong:
            raise ValueError(f"Not made together: {', '.join(sorted(wrong))}.")

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.operations], {}

    def describe(self) -> str:
        return f"Create {len(self._models())} models together"

    def state_forwards(self, app_label: str, state: Any) -> None:
        # What is rendered already would be rendered again with each of them.
        state.clear_delayed_apps_cache()
        state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        for name in self._models():
            model = to_state.apps.get_model(app_label, name)
            if self.allow_migrate_model(schema_editor.connection.alias, model):
                schema_editor.create_model(model)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        for name in reversed(self._models()):
            model = from_state.apps.get_model(app_label, name)
            if self.allow_migrate_model(schema_editor.connection.alias, model):
                schema_editor.delete_model(model)

    def _models(self) -> list[str]:
        return [one.name for one in self.operations if isinstance(one, CreateModel)]
