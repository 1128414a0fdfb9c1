"""The rules of a strict JSON schema as the real service applies them, and an instance of a schema."""

from typing import Any

Json = dict[str, Any]

# What strict mode refuses: keywords whose meaning constrained decoding does not have.
UNSUPPORTED = frozenset(
    [
        "default",
        "allOf",
        "oneOf",
        "not",
        "if",
        "then",
        "else",
        "dependentRequired",
        "dependentSchemas",
        "patternProperties",
        "unevaluatedProperties",
        "propertyNames",
        "minProperties",
        "maxProperties",
        "unevaluatedItems",
        "contains",
        "minContains",
        "maxContains",
        "uniqueItems",
        "minLength",
        "maxLength",
        "prefixItems",
    ]
)
TYPES = frozenset(("object", "array", "string", "integer", "number", "boolean", "null"))
DEEPEST = 10


class SchemaError(Exception):
    """The schema breaks a rule of strict mode; the text is the service's."""


def check_strict(schema: Any) -> None:
    if not isinstance(schema, dict) or schema.get("type") != "object":
        raise SchemaError("schema must be a JSON Schema of 'type: \"object\"', got another type.")
    if "anyOf" in schema:
        raise SchemaError("In context=(), 'anyOf' is not permitted at the root.")
    _check(schema, (), 1)
    for name, definition in (schema.get("$defs") or schema.get("definitions") or {}).items():
        _check(definition, ("$defs", name), 1)


def _check(schema: Any, where: tuple[str, ...], depth: int) -> None:
    context = f"In context={where!r}"
    if not isinstance(schema, dict):
        raise SchemaError(f"{context}, a schema must be an object.")
    if depth > DEEPEST:
        raise SchemaError(f"{context}, {depth} levels of nesting exceeds limit of {DEEPEST}.")
    for keyword in schema:
        if keyword in UNSUPPORTED:
            raise SchemaError(f"{context}, '{keyword}' is not permitted.")
    if "$ref" in schema:
        return
    if "anyOf" in schema:
        for index, option in enumerate(schema["anyOf"]):
            _check(option, (*where, "anyOf", str(index)), depth)
        return
    kinds = _kinds(schema)
    if not kinds and "enum" not in schema and "const" not in schema:
        raise SchemaError(f"{context}, schema must have a 'type' key.")
    for kind in kinds:
        if kind not in TYPES:
            raise SchemaError(f"{context}, '{kind}' is not a valid type.")
    if "object" in kinds:
        _check_object(schema, where, depth, context)
    if "array" in kinds:
        if "items" not in schema:
            raise SchemaError(f"{context}, array schema missing items.")
        _check(schema["items"], (*where, "items"), depth + 1)


def _check_object(schema: Json, where: tuple[str, ...], depth: int, context: str) -> None:
    if schema.get("additionalProperties") is not False:
        raise SchemaError(f"{context}, 'additionalProperties' is required to be supplied and to be false.")
    properties = schema.get("properties") or {}
    required = schema.get("required")
    if not isinstance(required, list):
        required = []
    for name in properties:
        if name not in required:
            raise SchemaError(
                f"{context}, 'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{name}'."
            )
    for name in required:
        if name not in properties:
            raise SchemaError(f"{context}, extra required key '{name}' supplied.")
    for name, inner in properties.items():
        _check(inner, (*where, "properties", name), depth + 1)


def _kinds(schema: Json) -> list[str]:
    kind = schema.get("type")
    if kind is None:
        return []
    return kind if isinstance(kind, list) else [kind]


def instance(schema: Any, root: Any = None, depth: int = 0) -> Any:
    """The smallest honest instance: "text", one item in an array, the first of an enum, the minimum."""
    root = schema if root is None else root
    if not isinstance(schema, dict):
        return "text"
    if "$ref" in schema:
        # A schema that holds itself must end somewhere: in the branch that is not itself.
        return instance(resolve(schema["$ref"], root), root, depth + 1)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return instance(_choose(schema["anyOf"], depth), root, depth)
    kinds = _kinds(schema)
    return _of_kind(kinds[0] if kinds else "object", schema, root, depth)


def _choose(options: list[Any], depth: int) -> Any:
    simple = [option for option in options if isinstance(option, dict) and "$ref" not in option]
    return simple[-1] if depth > 3 and simple else options[0]


def _of_kind(kind: str, schema: Json, root: Any, depth: int) -> Any:
    if kind == "object":
        return {name: instance(inner, root, depth) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        least = int(schema.get("minItems", 0 if depth > 3 else 1))
        count = min(max(least, 0), int(schema.get("maxItems", max(least, 1))))
        return [instance(schema.get("items"), root, depth + 1) for _ in range(count)]
    if kind in ("integer", "number"):
        return _number(kind, schema)
    return {"boolean": False, "null": None}.get(kind, _string(schema))


def _number(kind: str, schema: Json) -> float:
    least = schema.get("minimum", 0)
    if "exclusiveMinimum" in schema:
        least = max(least, schema["exclusiveMinimum"] + 1)
    least = min(least, schema.get("maximum", least))
    step = schema.get("multipleOf")
    value = -(-least // step) * step if step else least
    return int(value) if kind == "integer" else value


def _string(schema: Json) -> str:
    by_format = {
        "date": "2026-11-27",
        "time": "17:00:00Z",
        "date-time": "2026-11-27T17:00:00Z",
        "duration": "PT15M",
        "email": "mira@example.org",
        "hostname": "example.org",
        "ipv4": "192.0.2.1",
        "ipv6": "2001:db8::1",
        "uuid": "00000000-0000-4000-8000-000000000000",
    }
    return by_format.get(schema.get("format", ""), "text")


def resolve(ref: str, root: Any) -> Any:
    """The schema a local $ref names ("#", "#/$defs/step")."""
    found = root
    for part in ref.lstrip("#").strip("/").split("/"):
        if part:
            found = found[part]
    return found


def broken(value: Any) -> Any:
    """The same answer, wrong: a required property is gone and one that nobody asked for is there."""
    if isinstance(value, dict):
        kept = dict(list(value.items())[1:])
        return {**kept, "unexpected": True}
    return {"unexpected": True}
