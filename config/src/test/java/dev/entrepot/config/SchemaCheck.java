package dev.entrepot.config;

import dev.entrepot.oci.OciJson;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.schema.CoreSchema;
import tools.jackson.databind.JsonNode;

/** As much of a JSON Schema validator as the schema of the configuration needs; any other keyword fails. */
final class SchemaCheck {
    private final JsonNode root = OciJson.mapper().readTree(ConfigSchema.json());

    private SchemaCheck() {}

    static List<String> violations(String yaml) {
        Object value =
                new Load(LoadSettings.builder().setSchema(new CoreSchema()).build()).loadFromString(yaml);
        SchemaCheck check = new SchemaCheck();
        return check.violations(value, check.root, "");
    }

    private List<String> violations(Object value, JsonNode schema, String path) {
        List<String> found = new ArrayList<>();
        for (Map.Entry<String, JsonNode> keyword : schema.properties()) {
            JsonNode wanted = keyword.getValue();
            boolean holds = switch (keyword.getKey()) {
                case "$schema", "title", "description", "default", "$defs" -> true;
                case "$ref" ->
                    violations(value, root.at(wanted.stringValue().substring(1)), path)
                            .isEmpty();
                case "type" -> hasType(value, wanted);
                case "pattern" ->
                    !(value instanceof String text)
                            || Pattern.compile(wanted.stringValue())
                                    .matcher(text)
                                    .find();
                case "minimum" -> !(value instanceof Integer number) || number >= wanted.intValue();
                case "maximum" -> !(value instanceof Integer number) || number <= wanted.intValue();
                case "minItems" -> !(value instanceof List<?> list) || list.size() >= wanted.intValue();
                case "required" ->
                    !(value instanceof Map<?, ?> map)
                            || wanted.valueStream().allMatch(key -> map.containsKey(key.stringValue()));
                case "anyOf" ->
                    wanted.valueStream()
                            .anyMatch(way -> violations(value, way, path).isEmpty());
                case "items" -> {
                    if (value instanceof List<?> list) {
                        list.forEach(item -> found.addAll(violations(item, wanted, path + "[]")));
                    }
                    yield true;
                }
                case "properties" -> {
                    members(value).forEach((key, member) -> {
                        if (wanted.has(key)) {
                            found.addAll(violations(member, wanted.get(key), path + "." + key));
                        }
                    });
                    yield true;
                }
                case "additionalProperties" -> {
                    members(value).forEach((key, member) -> {
                        if (!schema.path("properties").has(key)) {
                            found.addAll(
                                    wanted.isBoolean()
                                            ? List.of(path + "." + key + ": unknown")
                                            : violations(member, wanted, path + "." + key));
                        }
                    });
                    yield true;
                }
                default -> throw new AssertionError("unknown keyword " + keyword.getKey());
            };
            if (!holds) {
                found.add(path + ": " + keyword.getKey() + " " + wanted);
            }
        }
        return found;
    }

    private static boolean hasType(Object value, JsonNode wanted) {
        if (wanted.isArray()) {
            return wanted.valueStream().anyMatch(type -> hasType(value, type));
        }
        return switch (wanted.stringValue()) {
            case "string" -> value instanceof String;
            case "number" -> value instanceof Number;
            case "integer" -> value instanceof Integer;
            case "boolean" -> value instanceof Boolean;
            case "array" -> value instanceof List<?>;
            case "object" -> value instanceof Map<?, ?>;
            case "null" -> value == null;
            default -> throw new AssertionError("unknown type " + wanted);
        };
    }

    private static Map<String, Object> members(Object value) {
        Map<String, Object> members = new LinkedHashMap<>();
        if (value instanceof Map<?, ?> map) {
            map.forEach((key, member) -> members.put(String.valueOf(key), member));
        }
        return members;
    }
}
