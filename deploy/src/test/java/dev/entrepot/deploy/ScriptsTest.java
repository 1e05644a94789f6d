package dev.entrepot.deploy;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The scripts that strangers start, on machines that are not as ours. What they would start is replaced by scripts. */
class ScriptsTest {
    @TempDir
    Path folder;

    private record Ending(int code, String output) {}

    /** Runs a command that finds this of the environment, and no more. */
    private Ending run(Map<String, String> environment, String... command) throws Exception {
        Path output = folder.resolve("output");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(output.toFile());
        builder.environment().clear();
        builder.environment().put("PATH", System.getenv("PATH"));
        builder.environment().putAll(environment);
        Process process = builder.start();
        try {
            assertThat(process.waitFor(30, TimeUnit.SECONDS)).as("it ends").isTrue();
        } finally {
            process.destroyForcibly();
        }
        return new Ending(process.exitValue(), Files.readString(output));
    }

    private Path script(String path, String text) throws IOException {
        Path script = folder.resolve(path);
        Files.createDirectories(script.getParent());
        Files.writeString(script, "#!/bin/sh\n" + text + "\n");
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
        return script;
    }

    private Path copy(String from, String to) throws IOException {
        Path copy = folder.resolve(to);
        Files.createDirectories(copy.getParent());
        return Files.copy(Path.of(from), copy, StandardCopyOption.COPY_ATTRIBUTES);
    }

    @Test
    void checkoutInWhichNothingCanBeWrittenSaysSo() throws Exception {
        copy("../entrepot", "entrepot");
        script("deploy/bin/find-jdk", "echo /nowhere");
        // As for somebody whose checkout it is not; root may write everywhere.
        script(
                "commands/mkdir",
                "case \"$*\" in *launcher.lock) echo \"mkdir: Permission denied\" >&2; exit 1 ;; esac\nPATH=${PATH#*:}\nexec mkdir \"$@\"");
        Ending ending = run(withCommands(), "./entrepot", "--version");
        assertThat(ending.output()).contains("cannot be built: mkdir: Permission denied;");
        assertThat(ending.code()).isEqualTo(1);
    }

    // A checkout where nothing is built, and building says so.
    private void checkout(String maven) throws IOException {
        copy("../entrepot", "entrepot");
        script("deploy/bin/find-jdk", "echo " + folder.resolve("jdk"));
        script("jdk/bin/java", "echo \"java ends with $*\"");
        script("mvnw", "echo building\nmkdir -p deploy/target/entrepot\n" + maven);
    }

    // Whoever has the lock gives it back while the launcher waits.
    private Map<String, String> holderThatEndsMeanwhile() throws IOException {
        script("commands/sleep", "echo waiting\nrm -rf deploy/target/launcher.lock");
        return withCommands();
    }

    private Path lockOf(long holder) throws IOException {
        Path lock = Files.createDirectories(folder.resolve("deploy/target/launcher.lock"));
        return Files.writeString(lock.resolve("pid"), holder + "\n");
    }

    private static long ended() throws Exception {
        Process process = new ProcessBuilder("true").start();
        process.waitFor();
        return process.pid();
    }

    @Test
    void signalDuringABuildEndsItAndTheLauncher() throws Exception {
        checkout("exec sleep 60");
        Process launcher = launched("building", Map.of());
        try (BufferedReader said = launcher.inputReader()) {
            // SIGTERM; the process itself would not be read from any more.
            launcher.toHandle().destroy();
            // Until all that could write there has ended, what it had started included.
            said.transferTo(Writer.nullWriter());
            assertThat(launcher.waitFor(10, TimeUnit.SECONDS)).isTrue();
        } finally {
            launcher.destroyForcibly();
        }
        assertThat(launcher.exitValue()).isEqualTo(143);
        assertThat(folder.resolve("deploy/target/launcher.lock")).doesNotExist();
        assertThat(folder.resolve("deploy/target/entrepot/.built")).doesNotExist();
    }

    /** Which the build copies into the files of the last one: in them a running server looks for its classes. */
    @Test
    void launcherHasAllJarsMadeAnew() throws Exception {
        Files.createFile(folder.resolve("any.jar"));
        checkout("for argument; do echo \"argument $argument\"; done");
        assertThat(run(Map.of(), "./entrepot", "--version").output()).contains("argument -Dentrepot.jars.anew=*.jar\n");
        String pom = Files.readString(Path.of("pom.xml"));
        String lib = "irectory>${project.build.directory}/entrepot/lib</";
        assertThat(pom)
                .containsSubsequence(
                        "<artifactId>maven-clean-plugin</artifactId>",
                        "<phase>package</phase>",
                        "<goal>clean</goal>",
                        lib,
                        "<include>${entrepot.jars.anew}</include>",
                        "<artifactId>maven-dependency-plugin</artifactId>",
                        "<phase>package</phase>",
                        "<goal>copy-dependencies</goal>",
                        lib);
    }

    /** As mvnw while it downloads Maven: a shell looks after a signal when the command that it runs has ended. */
    @Test
    void signalEndsTheLauncherThoughTheBuildHearsNone() throws Exception {
        checkout("trap : TERM\nexport PATH=\"${PATH#*:}\"\nsleep 25");
        script("commands/sleep", "");
        Process launcher = launched("building", withCommands());
        try {
            launcher.toHandle().destroy();
            assertThat(launcher.waitFor(15, TimeUnit.SECONDS)).isTrue();
        } finally {
            launcher.destroyForcibly();
        }
        assertThat(launcher.exitValue()).isEqualTo(143);
        assertThat(folder.resolve("deploy/target/launcher.lock")).doesNotExist();
    }

    // A launcher that has got as far as to say this, in a line of its own.
    private Process launched(String line, Map<String, String> environment) throws IOException {
        ProcessBuilder builder = new ProcessBuilder("./entrepot", "--version")
                .directory(folder.toFile())
                .redirectErrorStream(true);
        builder.environment().putAll(environment);
        Process launcher = builder.start();
        BufferedReader said = launcher.inputReader();
        String heard = said.readLine();
        while (heard != null && !heard.equals(line)) {
            heard = said.readLine();
        }
        if (heard == null) {
            launcher.destroyForcibly();
        }
        assertThat(heard).as("the launcher says " + line).isNotNull();
        return launcher;
    }

    private Map<String, String> withCommands() {
        return Map.of("PATH", folder.resolve("commands") + ":" + System.getenv("PATH"));
    }

    @Test
    void buildOfALauncherThatWasKilledIsWaitedFor() throws Exception {
        checkout("[ -e second ] || { echo at work; exec sleep 60; }");
        Process launcher = launched("at work", Map.of());
        try {
            // It says so by itself; its launcher may note it later.
            Path noted = folder.resolve("deploy/target/launcher.lock/work");
            for (int looks = 0; looks < 2000 && (!Files.exists(noted) || Files.size(noted) == 0); looks++) {
                Thread.sleep(5);
            }
            assertThat(noted).isNotEmptyFile();
        } finally {
            launcher.destroyForcibly();
        }
        script(
                "commands/sleep",
                "echo waiting\nkill -9 \"$(PATH=${PATH#*:} cat deploy/target/launcher.lock/work)\"\nPATH=${PATH#*:} sleep 0.2");
        Files.createFile(folder.resolve("second"));
        assertThat(run(withCommands(), "./entrepot", "--version").output())
                .containsSubsequence("waiting\n", "building\n", "java ends with");
    }

    @Test
    void lockThatCannotBeTakenFromALauncherThatIsGoneEndsTheNextOne() throws Exception {
        checkout("");
        Path lock = lockOf(ended()).getParent();
        // As where another user has the checkout, or whoever took the lock before was killed meanwhile.
        Files.createDirectory(lock.resolve("heir"));
        script("commands/sleep", "");
        Ending ending = run(withCommands(), "./entrepot", "--version");
        assertThat(ending.code()).isEqualTo(1);
        assertThat(ending.output()).contains("its lock cannot be taken; remove " + lock.toRealPath());
    }

    @Test
    void lockOfALauncherThatWasKilledIsTaken() throws Exception {
        checkout("");
        lockOf(ended());
        Ending ending = run(holderThatEndsMeanwhile(), "./entrepot", "--version");
        assertThat(ending.output()).contains("building\n").doesNotContain("waiting");
        assertThat(folder.resolve("deploy/target/entrepot/.built")).exists();
        assertThat(folder.resolve("deploy/target/launcher.lock")).doesNotExist();
    }

    @Test
    void ofTwoLaunchersThatSeeAKilledOneTheSecondWaitsForTheFirst() throws Exception {
        checkout("");
        lockOf(ended());
        // Another one takes the lock after this one has seen who has it.
        script(
                "commands/cat",
                "PATH=${PATH#*:}\ncat \"$@\" || exit\ncase $* in *launcher.lock/pid) mkdir taken 2>/dev/null || exit 0\n"
                        + "rm -rf deploy/target/launcher.lock\nmkdir deploy/target/launcher.lock\necho "
                        + ProcessHandle.current().pid() + " > deploy/target/launcher.lock/pid ;;\nesac");
        Ending ending = run(holderThatEndsMeanwhile(), "./entrepot", "--version");
        assertThat(folder.resolve("taken")).exists();
        assertThat(ending.output()).containsSubsequence("waiting\n", "building\n");
    }

    @Test
    void launcherOfAnotherUserIsWaitedForAsLongAsItLives() throws Exception {
        checkout("");
        // Of root, as the first process is anywhere.
        lockOf(1);
        List<String> command = new ArrayList<>();
        if (Files.getAttribute(folder, "unix:uid").equals(0)) {
            assumeTrue(Files.isExecutable(Path.of("/usr/bin/setpriv")), "no program to be somebody else with");
            command.addAll(List.of("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"));
            for (Path path : all(folder)) {
                Files.setAttribute(path, "unix:uid", 65534);
            }
        }
        command.addAll(List.of("./entrepot", "--version"));
        Map<String, String> environment = holderThatEndsMeanwhile();
        Ending ending = run(environment, command.toArray(new String[0]));
        assertThat(ending.output()).containsSubsequence("waiting\n", "building\n");
    }

    @ParameterizedTest
    @ValueSource(strings = {"./mvnw", "mvnw"})
    void mavenIsFoundWithoutAHomeAndFromTheScriptsOwnFolder(String name) throws Exception {
        copy("../mvnw", "mvnw");
        script("deploy/bin/find-jdk", "echo /nowhere");
        String address = "https://registry.test/apache-maven-3-bin.zip";
        Files.createDirectories(folder.resolve(".mvn/wrapper"));
        Files.writeString(folder.resolve(".mvn/wrapper/maven-wrapper.properties"), "distributionUrl=" + address + "\n");
        script(
                "maven/wrapper/dists/apache-maven-3/" + Integer.toHexString(address.hashCode()) + "/bin/mvn",
                "echo \"$HOME and $*\"");
        Ending ending = run(Map.of("MAVEN_USER_HOME", folder.resolve("maven").toString()), "sh", name, "package");
        assertThat(ending.output()).matches("/.* and package\n");
    }

    /** As in a container that is run with any number for its user. */
    @Test
    void mavenForAUserWithoutANameIsNotPutIntoAFolderOfTheCheckout() throws Exception {
        copy("../mvnw", "mvnw");
        script("deploy/bin/find-jdk", "echo /nowhere");
        script("commands/id", "echo 12345; exit 1");
        Ending ending = run(withCommands(), "sh", "mvnw", "package");
        assertThat(ending.output()).startsWith("mvnw: HOME is not set");
        assertThat(ending.code()).isEqualTo(1);
        assertThat(folder.resolve("~12345")).doesNotExist();
    }

    @ParameterizedTest
    @ValueSource(strings = {"ENTREPOT_JAVA_OPTS", "JDK_JAVA_OPTIONS", "JAVA_TOOL_OPTIONS"})
    void collectorOfTheUserTakesThePlaceOfTheOneOfTheRuntime(String variable) throws Exception {
        assertThat(Files.readAllLines(Path.of("dist/jvm.options"))).contains("-XX:+UseParallelGC");
        copy("dist/entrepot", "bin/entrepot");
        script("runtime/bin/java", "echo \"$*\"");
        for (String command : List.of("serve", "verify", "runs")) {
            assertThat(run(Map.of(variable, "-Xmx1g -XX:+UseG1GC"), "bin/entrepot", command)
                            .output())
                    .contains(" -XX:-UseParallelGC ")
                    .doesNotContain("+UseSerialGC");
            assertThat(run(Map.of(variable, "-XX:+UseParallelGC"), "bin/entrepot", command)
                            .output())
                    .doesNotContain("-UseParallelGC")
                    .doesNotContain("+UseSerialGC");
        }
        // None of these chooses one.
        String others = "-XX:+UseStringDeduplication -XX:MaxGCPauseMillis=50 -XX:+UseGCOverheadLimit";
        assertThat(run(Map.of(variable, others), "bin/entrepot", "serve").output())
                .doesNotContain("-UseParallelGC");
        assertThat(run(Map.of(variable, others), "bin/entrepot", "export").output())
                .contains("+UseSerialGC");
    }

    @Test
    void installedProgramIsForAllToRunAndForNobodyElseToChange() throws Exception {
        script("unpacked/runtime/bin/java", ":");
        copy("systemd/install", "unpacked/share/install");
        copy("systemd/entrepot.service", "unpacked/share/entrepot.service");
        copy("systemd/service.yaml", "unpacked/share/service.yaml");
        Object ours = Files.getAttribute(folder.resolve("unpacked"), "unix:uid");
        // As somebody unpacks it who is not root, with a umask of his own.
        for (Path path : all(folder.resolve("unpacked"))) {
            boolean runs = Files.isExecutable(path) || Files.isDirectory(path);
            Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(runs ? "rwxrwx---" : "rw-rw----"));
            if (ours.equals(0)) {
                Files.setAttribute(path, "unix:uid", 65534);
            }
        }
        Path root = folder.resolve("the root");
        Ending ending = run(Map.of(), "sh", "-c", "umask 077; unpacked/share/install --root \"$0\"", root.toString());
        assertThat(ending.code()).as(ending.output()).isZero();
        List<Path> installed = new ArrayList<>(all(root.resolve("opt/entrepot")));
        installed.addAll(List.of(
                root.resolve("etc/entrepot"),
                root.resolve("etc/entrepot/entrepot.yaml"),
                root.resolve("etc/systemd/system/entrepot.service")));
        assertThat(installed).contains(root.resolve("opt/entrepot/runtime/bin/java"));
        for (Path path : installed) {
            String rights = PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
            assertThat(rights).as(path.toString()).isIn("rwxr-xr-x", "rw-r--r--");
            assertThat(Files.getAttribute(path, "unix:uid")).as(path.toString()).isEqualTo(ours);
        }
        assertThat(root.resolve("opt/entrepot/share/install")).isExecutable();
    }

    private static List<Path> all(Path top) throws IOException {
        try (Stream<Path> paths = Files.walk(top)) {
            return paths.toList();
        }
    }
}
