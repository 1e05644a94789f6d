package dev.entrepot.deploy;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/**
 * What the unit of systemd says, as far as no systemd is needed to see it. The interoperability run has systemd's own
 * tools read it.
 */
class ServiceUnitTest {
    private static final String WRONG_CONFIGURATION = "78"; // EX_CONFIG of sysexits.h

    private static List<String> values(String key) throws Exception {
        return Files.readAllLines(Path.of("systemd/entrepot.service")).stream()
                .filter(line -> line.startsWith(key + "="))
                .map(line -> line.substring(key.length() + 1))
                .toList();
    }

    // RestartPreventExitStatus= is about the main process alone: a check before it that fails is tried again for ever.
    @Test
    void aWrongConfigurationIsFoundByTheMainProcessWhichIsNotStartedAgain() throws Exception {
        assertThat(values("Restart")).containsExactly("on-failure");
        assertThat(values("RestartPreventExitStatus")).containsExactly(WRONG_CONFIGURATION);
        assertThat(values("ExecStart"))
                .containsExactly("/opt/entrepot/bin/entrepot serve --config /etc/entrepot/entrepot.yaml");
        assertThat(values("ExecStartPre")).isEmpty();
        assertThat(values("ExecCondition")).isEmpty();
    }

    // The working directory cannot be written, and what is in a private /tmp goes with the process.
    @Test
    void theReportOfAJvmThatEndedGoesToTheJournal() throws Exception {
        assertThat(values("PrivateTmp")).containsExactly("yes");
        assertThat(values("Environment")).containsExactly("ENTREPOT_JAVA_OPTS=-XX:+ErrorFileToStderr");
    }
}
