package dev.entrepot.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.entrepot.oci.RepositoryName;
import java.net.URI;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class PatternsTest {
    @Example
    void aStarStopsAtASlashAndTwoDoNot() {
        assertThat(NamePattern.parse("a/*").matcher()).accepts("a/b", "a/").rejects("a", "a/b/c", "xa/b");
        assertThat(NamePattern.parse("a/**").matcher()).accepts("a/b", "a/b/c").rejects("a");
        assertThat(NamePattern.parse("v?.*").matcher()).accepts("v1.2").rejects("v12.", "v/.");
        assertThat(NamePattern.parse("a.b").matcher()).accepts("a.b").rejects("aXb");
        assertThat(NamePattern.parse("a.[*").matcher()).accepts("a.[x").rejects("abx");
        assertThat(NamePattern.regex("a|b+").matcher()).accepts("a", "bb").rejects("ab");
    }

    @Example
    void ofUsersAndGroupsNoWildcardStopsAtASlash() {
        assertThat(ofPeople("*")).accepts("alice", "x/y", "/developers", "spiffe://corp.test/ns/a");
        assertThat(ofPeople("ci-*")).accepts("ci-a/b").rejects("a/ci-b");
        assertThat(ofPeople("*developers")).accepts("developers", "/developers", "/a/developers");
        assertThat(ofPeople("a?b")).accepts("a/b", "axb").rejects("ab", "a//b");
        assertThat(ofPeople("**/a")).accepts("a", "x/y/a").rejects("xa");
        assertThat(ofPeople("a/b")).accepts("a/b").rejects("a");
        assertThat(NamePattern.regex("a+").matcherOfPeople(() -> false))
                .accepts("aa")
                .rejects("a/a");
    }

    @Example
    void ofUsersADotIsALineBreakToo() {
        assertThat(NamePattern.regex(".*").matcherOfPeople(() -> false)).accepts("alice", "x/y", "x\ny", "x\u2028");
        assertThat(NamePattern.regex("ci-.+").matcherOfPeople(() -> false))
                .accepts("ci-a\r")
                .rejects("x\nci-a");
    }

    private static Predicate<String> ofPeople(String text) {
        return NamePattern.parse(text).matcherOfPeople(() -> false);
    }

    @Example
    void twoStarsAndASlashAreAnyNumberOfComponentsOrNone() {
        assertThat(NamePattern.parse("**/malware").matcher())
                .accepts("malware", "a/malware", "a/b/malware")
                .rejects("notmalware", "malware/a", "a/notmalware");
        assertThat(NamePattern.parse("a/**/b").matcher())
                .accepts("a/b", "a/x/b", "a/x/y/b")
                .rejects("ab", "a/xb", "x/a/b");
        assertThat(NamePattern.parse("a**/b").matcher())
                .accepts("a/b", "ax/y/b")
                .rejects("b", "ab");
        assertThat(NamePattern.parse("**/*").matchesEverything()).isTrue();
        assertThat(NamePattern.parse("**/*").matcher()).accepts("a", "a/b");
        assertThat(meet("**/malware", "malware")).isTrue();
        assertThat(meet("a/**/b", "a/b")).isTrue();
        assertThat(meet("**/x", "**/y")).isFalse();
    }

    @Property(tries = 1000)
    void globsMatchWhatTheirMeaningSays(@ForAll("globs") String glob, @ForAll("names") String name) {
        assertThat(new Glob(glob).test(name)).isEqualTo(means(glob, true, name));
    }

    // Letter by letter, trying everything: for short names only.
    private static boolean means(String glob, boolean componentBegins, String name) {
        if (glob.isEmpty()) {
            return name.isEmpty();
        }
        if (glob.startsWith("*")) {
            String rest = glob.replaceFirst("^\\*+", "");
            boolean slashes = glob.startsWith("**");
            if (slashes && componentBegins && rest.startsWith("/") && means(rest.substring(1), true, name)) {
                return true;
            }
            for (int taken = 0; taken <= name.length(); taken++) {
                if (!slashes && name.substring(0, taken).contains("/")) {
                    return false;
                }
                if (means(rest, false, name.substring(taken))) {
                    return true;
                }
            }
            return false;
        }
        char wanted = glob.charAt(0);
        return !name.isEmpty()
                && (wanted == '?' ? name.charAt(0) != '/' : name.charAt(0) == wanted)
                && means(glob.substring(1), wanted == '/', name.substring(1));
    }

    @Property(tries = 1000)
    void globsThatShareANameAreSeenToMeet(
            @ForAll("globs") String one, @ForAll("globs") String other, @ForAll("names") String name) {
        NamePattern first = NamePattern.parse(one);
        NamePattern second = NamePattern.parse(other);

        if (first.matcher().test(name) && second.matcher().test(name)) {
            assertThat(NameSets.of(first).mayMeet(NameSets.of(second))).isTrue();
        }
    }

    @Property(tries = 500)
    void aNameMeetsAGlobIfAndOnlyIfItMatches(@ForAll("globs") String glob, @ForAll("names") String name) {
        NamePattern pattern = NamePattern.parse(glob);

        assertThat(NameSets.of(pattern).mayMeet(NameSets.of(new NamePattern(NamePattern.Kind.EXACT, name))))
                .isEqualTo(pattern.matcher().test(name));
    }

    @Provide
    Arbitrary<String> globs() {
        return Arbitraries.of("a", "b", "/", "*", "**", "**/", "?")
                .list()
                .ofMinSize(1)
                .ofMaxSize(6)
                .map(parts -> String.join("", parts));
    }

    @Provide
    Arbitrary<String> names() {
        return Arbitraries.strings().withChars("ab/").ofMinLength(1).ofMaxLength(6);
    }

    @Example
    void globsWithoutACommonNameDoNotMeet() {
        assertThat(meet("a/*", "b/*")).isFalse();
        assertThat(meet("a/*", "a/b/*")).isFalse();
        assertThat(meet("*a", "*b")).isFalse();
        assertThat(meet("a/**", "**/b")).isTrue();
    }

    @Example
    void expressionsMeetWhatStartsAsTheyDo() {
        NameSets team = NameSets.of(NamePattern.regex("^team/[a-z]+"));

        assertThat(team.mayMeet(NameSets.of(NamePattern.parse("team/x")))).isTrue();
        assertThat(team.mayMeet(NameSets.of(NamePattern.parse("other/*")))).isFalse();
        assertThat(NameSets.of(NamePattern.regex("ab*")).mayMeet(NameSets.of(NamePattern.parse("a"))))
                .isTrue();
        assertThat(NameSets.of(NamePattern.regex("ab|cd")).mayMeet(NameSets.of(NamePattern.parse("cd"))))
                .isTrue();
        assertThat(NameSets.of(NamePattern.regex("a.b")).mayMeet(NameSets.of(NamePattern.parse("axb"))))
                .isTrue();
    }

    @Example
    void aTargetMapsTheLongestLeadingComponentsThenPrefixes() {
        TargetConfig target = new TargetConfig(
                new TargetConfig.RegistryDestination(
                        URI.create("https://t.test"),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.empty()),
                Optional.of(new RepositoryName("mirror")),
                Map.of(
                        new RepositoryName("team"), new RepositoryName("apps"),
                        new RepositoryName("team/tools"), new RepositoryName("tools")),
                1);

        assertThat(target.nameFor(new RepositoryName("team/app"))).hasToString("mirror/apps/app");
        assertThat(target.nameFor(new RepositoryName("team/tools"))).hasToString("mirror/tools");
        assertThat(target.nameFor(new RepositoryName("team/tools/x"))).hasToString("mirror/tools/x");
        assertThat(target.nameFor(new RepositoryName("teams/x"))).hasToString("mirror/teams/x");
    }

    @Example
    void rangesOfVersionsAreCheckedForTheirGrammar() {
        for (String text : new String[] {
            "1.2.3", ">=1.2 <2", "^1.4", "~1.4.2", "1.2 - 2.0", "1.x || 3.x", "v1", "*", ">= 1.0, < 2", ">1.0.0-rc.1"
        }) {
            assertThat(new SemverRange(text)).hasToString(text);
        }
        for (String text : new String[] {"", "latest", "1.2.3.4", ">", "1 ||", "=>1", "01.2"}) {
            assertThatThrownBy(() -> new SemverRange(text)).as(text).isInstanceOf(InvalidValueException.class);
        }
    }

    private static boolean meet(String one, String other) {
        return NameSets.of(NamePattern.parse(one)).mayMeet(NameSets.of(NamePattern.parse(other)));
    }
}
