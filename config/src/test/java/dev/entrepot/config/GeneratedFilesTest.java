package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.oci.OciJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * The files that are made of the keys. With {@code ENTREPOT_REGENERATE=true} in the environment they are written anew
 * instead of compared.
 */
class GeneratedFilesTest {
    private static final Path ROOT = Path.of("..");

    @Test
    void theSchemaInTheRepositoryIsThatOfTheKeys() throws IOException {
        compare(ROOT.resolve("deploy/samples/entrepot.schema.json"), ConfigSchema.json());
    }

    @Test
    void theReferencePageInTheRepositoryIsThatOfTheKeys() throws IOException {
        compare(ROOT.resolve("docs/configuration.md"), ConfigReference.markdown());
    }

    @Test
    void theSchemaRefersToNothingThatIsNotInIt() {
        JsonNode schema = OciJson.mapper().readTree(ConfigSchema.json());

        assertThat(schema.findValues("$ref"))
                .isNotEmpty()
                .allSatisfy(reference -> assertThat(
                                schema.at(reference.stringValue().substring(1)).isMissingNode())
                        .isFalse());
    }

    @Test
    void theReferencePageNamesEveryKeyInTheSectionThatHasIt() {
        Set<String> missing = new TreeSet<>(Keys.paths());
        String section = "";
        for (String line : ConfigReference.markdown().split("\n")) {
            if (line.startsWith("## `")) {
                section = line.substring(4, line.length() - 1);
            } else if (line.startsWith("| `")) {
                missing.remove(ConfigNode.child(section, line.substring(3, line.indexOf('`', 3))));
            }
        }
        missing.removeIf(path -> path.endsWith("].regex") && !path.endsWith("tags.regex"));
        assertThat(missing).isEmpty();
    }

    private static void compare(Path file, String expected) throws IOException {
        if ("true".equals(System.getenv("ENTREPOT_REGENERATE"))) {
            Files.writeString(file, expected);
        }
        assertThat(Files.readString(file))
                .as("%s; run this test with ENTREPOT_REGENERATE=true in the environment to write it anew", file)
                .isEqualTo(expected);
    }
}
