package dev.entrepot.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.jar.Attributes;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredJarsTest {
    @TempDir
    private Path folder;

    @Test
    void theSameEntriesAreInTheSameOrderAndNoneIsCompressed() throws Exception {
        Path jar = folder.resolve("a.jar");
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        manifest.getMainAttributes().put(Attributes.Name.MULTI_RELEASE, "true");
        List<String> names = List.of("b/", "b/B.class", "META-INF/versions/21/b/B.class", "A.class", "empty");
        try (OutputStream out = Files.newOutputStream(jar);
                JarOutputStream to = new JarOutputStream(out, manifest)) {
            for (String name : names) {
                to.putNextEntry(new JarEntry(name));
                if (name.endsWith("class")) {
                    to.write((name + " ".repeat(1000)).getBytes(StandardCharsets.UTF_8));
                }
                to.closeEntry();
            }
        }
        Files.writeString(folder.resolve("notes.txt"), "no jar");

        StoredJars.main(new String[] {folder.toString()});

        try (JarFile stored = new JarFile(jar.toFile())) {
            List<JarEntry> entries = Collections.list(stored.entries());
            assertThat(entries.stream().skip(1).map(ZipEntry::getName)).containsExactlyElementsOf(names);
            assertThat(entries).allMatch(entry -> entry.getMethod() == ZipEntry.STORED);
            assertThat(stored.isMultiRelease()).isTrue();
            assertThat(new String(
                            stored.getInputStream(stored.getEntry("A.class")).readAllBytes(), StandardCharsets.UTF_8))
                    .isEqualTo("A.class" + " ".repeat(1000));
        }
        try (var files = Files.list(folder)) {
            assertThat(files).hasSize(2);
        }
    }
}
