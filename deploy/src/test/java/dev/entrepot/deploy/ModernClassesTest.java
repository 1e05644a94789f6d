package dev.entrepot.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import picocli.CommandLine;

/** The jar of picocli, which is compiled for Java 5, rewritten as the build does it. */
class ModernClassesTest {
    @TempDir
    Path folder;

    @Test
    void oldClassesGetStackMapsAndWorkAsBefore() throws Exception {
        Path jar = Files.copy(jarOf(CommandLine.class), folder.resolve("picocli.jar"));
        Files.copy(jarOf(Logger.class), folder.resolve("slf4j.jar"));
        assertThat(ModernClasses.isOld(folder.resolve("slf4j.jar"))).isFalse();
        assertThat(ModernClasses.isOld(jar)).isTrue();

        ModernClasses.main(new String[] {folder.toString()});

        assertThat(ModernClasses.isOld(jar)).isFalse();
        assertThat(folder.resolve("slf4j.jar")).hasSameBinaryContentAs(jarOf(Logger.class));
        try (URLClassLoader loader =
                new URLClassLoader(new URL[] {jar.toUri().toURL()}, ClassLoader.getPlatformClassLoader())) {
            try (InputStream in = loader.getResourceAsStream("picocli/CommandLine.class")) {
                assertThat(in.readNBytes(8)[7]).isGreaterThanOrEqualTo((byte) 61);
            }
            // Verified, all of it, and used.
            Class<?> help = Class.forName("picocli.CommandLine$HelpCommand", true, loader);
            Class<?> commandLine = Class.forName("picocli.CommandLine", true, loader);
            for (Class<?> inner : commandLine.getDeclaredClasses()) {
                Class.forName(inner.getName(), true, loader);
            }
            Object line = commandLine
                    .getConstructor(Object.class)
                    .newInstance(help.getDeclaredConstructor().newInstance());
            assertThat(commandLine.getMethod("getUsageMessage").invoke(line).toString())
                    .contains("Usage");
        }
    }

    private static Path jarOf(Class<?> one) throws Exception {
        URI location = one.getProtectionDomain().getCodeSource().getLocation().toURI();
        return Path.of(location);
    }
}
