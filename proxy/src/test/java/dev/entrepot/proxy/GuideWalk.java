package dev.entrepot.proxy;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.proxy.CommandRunner.Result;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A guide, done from its first line to its last in a folder of its own: a block of {@code yaml} is the configuration
 * from then on, each line of a block of {@code sh} is a command, all other blocks are to be read. A line may end by
 * {@code # says TEXT}, which must then be in what it prints (in whatever case, and with spaces as wide as they like),
 * by {@code # exits with N}, or by both with a comma between; a comment of another kind says nothing to this test.
 * {@code ./entrepot serve} serves until the guide ends; what changes the configuration while it does must leave one
 * whose rules it takes.
 */
final class GuideWalk {
    private static final Pattern STEP = Pattern.compile(
            "^## (?<heading>[^\n]*)$|^```(?<language>\\w+)\n(?<text>.*?)^```$", Pattern.MULTILINE | Pattern.DOTALL);
    private static final Pattern EXPECTED =
            Pattern.compile(" +# (?:says (?<says>.*?))?(?:,? ?exits with (?<code>[0-9]+))?$");
    private static final String FILE = "entrepot.yaml";
    private static final int PATIENCE_SECONDS = 30;

    /** Something that the test does when the walk comes to a heading. */
    interface Event {
        void happens() throws Exception;
    }

    private sealed interface Step {
        record Heading(String text) implements Step {}

        record Configuration(String text) implements Step {}

        record Command(String line) implements Step {}
    }

    private final Path folder;
    private final String text;
    private final List<Step> steps = new ArrayList<>();
    private final Map<String, Event> events = new LinkedHashMap<>();
    private String pullsAddress = "";
    private String adminAddress = "";
    private Map<String, String> variables = Map.of();
    private String shell = "";
    private int commands;
    private String last = "";

    /**
     * Prepares a walk.
     *
     * @param folder where everything is done
     * @param document the guide
     * @param substituted what stands in the guide, all of it must, and what is done in its place
     */
    GuideWalk(Path folder, Path document, Map<String, String> substituted) throws IOException {
        this.folder = folder;
        String whole = Files.readString(document);
        for (Map.Entry<String, String> one : substituted.entrySet()) {
            assertThat(whole).contains(one.getKey());
            whole = whole.replace(one.getKey(), one.getValue());
        }
        this.text = whole;
        Matcher found = STEP.matcher(text);
        while (found.find()) {
            if (found.group("heading") != null) {
                steps.add(new Step.Heading(found.group("heading")));
            } else if (found.group("language").equals("yaml")) {
                steps.add(new Step.Configuration(found.group("text")));
            } else if (found.group("language").equals("sh")) {
                found.group("text").lines().map(Step.Command::new).forEach(steps::add);
            }
        }
    }

    /** The guide, with what is substituted. */
    String text() {
        return text;
    }

    /** The blocks of a language, in their order. */
    List<String> blocks(String language) {
        return STEP.matcher(text)
                .results()
                .filter(found -> language.equals(found.group("language")))
                .map(found -> found.group("text"))
                .toList();
    }

    /** Has something happen before what follows a heading. */
    GuideWalk at(String heading, Event event) {
        assertThat(steps).contains(new Step.Heading(heading));
        events.put(heading, event);
        return this;
    }

    /** Gives commands other than our own an environment, and something for the shell to read before each. */
    GuideWalk with(Map<String, String> environment, String prelude) {
        variables = Map.copyOf(environment);
        shell = prelude;
        return this;
    }

    /** How many commands were run. */
    int commands() {
        return commands;
    }

    /** What the last command printed. */
    String printed() {
        return last;
    }

    /** Does it all. */
    void walk() throws Exception {
        walk(0, Optional.empty());
    }

    /**
     * Has the ports of the server, once it serves, stand for these addresses in commands.
     *
     * @param pulls the address of the registry API in the guide
     * @param admin that of the admin API
     */
    GuideWalk addressed(String pulls, String admin) {
        pullsAddress = pulls;
        adminAddress = admin;
        return this;
    }

    private void walk(int from, Optional<Serving> serving) throws Exception {
        for (int at = from; at < steps.size(); at++) {
            switch (steps.get(at)) {
                case Step.Heading heading ->
                    events.getOrDefault(heading.text(), () -> {}).happens();
                case Step.Configuration configuration -> {
                    Files.writeString(folder.resolve(FILE), configuration.text());
                    reload(serving);
                }
                case Step.Command command
                when command.line().startsWith("./entrepot serve") -> {
                    assertThat(serving).as("nothing serves yet").isEmpty();
                    int next = at + 1;
                    commands++;
                    Result result = new CommandRunner(folder).run(mirror -> rest(next, mirror), words(command.line()));
                    assertThat(result.code())
                            .as(command.line() + "\n" + result.err())
                            .isZero();
                    return;
                }
                case Step.Command command -> does(command.line(), serving);
            }
        }
    }

    private void rest(int from, Serving mirror) {
        try {
            walk(from, Optional.of(mirror));
        } catch (Exception e) {
            throw new AssertionError(e.getMessage(), e);
        }
    }

    private void reload(Optional<Serving> serving) {
        serving.ifPresent(mirror -> assertThat(mirror.reload("the guide has changed it"))
                .as("the rules are taken")
                .isTrue());
    }

    private void does(String line, Optional<Serving> serving) throws Exception {
        commands++;
        Matcher expected = EXPECTED.matcher(line);
        Optional<String> says = Optional.empty();
        int code = 0;
        if (expected.find()) {
            says = Optional.ofNullable(expected.group("says"));
            code = expected.group("code") == null ? 0 : Integer.parseInt(expected.group("code"));
        }
        String command = here(line.replaceAll(" +#( .*)?$", ""), serving);
        String before = configuration();
        Result result =
                command.startsWith("./entrepot ") ? new CommandRunner(folder).run(words(command)) : inShell(command);
        String printed = result.out() + result.err();
        assertThat(result.code()).as(line + "\n" + printed).isEqualTo(code);
        last = printed;
        says.ifPresent(words -> assertThat(plain(printed)).as(line).contains(plain(words)));
        if (!configuration().equals(before)) {
            reload(serving);
        }
    }

    private static String plain(String text) {
        return text.toLowerCase(Locale.ROOT).replaceAll(" +", " ");
    }

    private String here(String command, Optional<Serving> serving) {
        return serving.filter(_ -> !pullsAddress.isEmpty())
                .map(mirror -> command.replace(pullsAddress, "127.0.0.1:" + mirror.port())
                        .replace(adminAddress, "127.0.0.1:" + mirror.adminPort()))
                .orElse(command);
    }

    private String configuration() throws IOException {
        Path file = folder.resolve(FILE);
        return Files.exists(file) ? Files.readString(file) : "";
    }

    private Result inShell(String command) throws IOException, InterruptedException {
        ProcessBuilder builder = new ProcessBuilder("sh", "-c", shell + command).directory(folder.toFile());
        builder.environment().putAll(variables);
        builder.environment()
                .keySet()
                .removeIf(name -> name.toLowerCase(Locale.ROOT).endsWith("_proxy"));
        Process process = builder.redirectErrorStream(true).start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS))
                .as(command)
                .isTrue();
        return new Result(process.exitValue(), printed, "");
    }

    // Of our own commands the guides quote nothing but what a shell takes as one word.
    private static String[] words(String command) {
        String[] words = command.replace("'", "").split(" +");
        return Arrays.copyOfRange(words, 1, words.length);
    }
}
