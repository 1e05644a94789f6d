package dev.entrepot.config;

import dev.entrepot.oci.OciJson;
import tools.jackson.databind.node.ObjectNode;

/** The JSON Schema of the file, for editors. It is made of the same keys that the loader reads. */
public final class ConfigSchema {
    private ConfigSchema() {}

    /** JSON Schema 2020-12, indented, with a line break at its end. */
    public static String json() {
        ObjectNode schema = JsonForm.empty()
                .put("$schema", "https://json-schema.org/draft/2020-12/schema")
                .put("title", "Entrepôt configuration");
        schema.putObject("$defs")
                .putObject("reference")
                .put("type", "string")
                .put("description", "A text with " + References.ALLOWED + ".")
                .put("pattern", "\\$\\{(env|file):[^}]+\\}");
        schema.setAll(RootKeys.SECTION.schema());
        return OciJson.mapper()
                        .writerWithDefaultPrettyPrinter()
                        .writeValueAsString(schema)
                        .replace("\r\n", "\n")
                + "\n";
    }
}
