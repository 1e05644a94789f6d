package dev.entrepot.proxy.access;

import static org.assertj.core.api.Assertions.assertThat;

import dev.entrepot.config.AccessRuleConfig;
import dev.entrepot.config.NamePattern;
import dev.entrepot.oci.Repository;
import dev.entrepot.proxy.http.Visitor;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class AccessRulesTest {
    // Takes twice as long with each letter more, on a name that does not match.
    private static final NamePattern COSTLY = NamePattern.regex("registry.test/(a|aa)+\\1-x");
    private static final Repository NAME = Repository.parse("registry.test/" + "a".repeat(60) + "-b");
    private static final Visitor ALICE = Visitor.named("alice", Set.of());

    private static AccessRuleConfig rule(List<NamePattern> repositories, Optional<String> deny) {
        return new AccessRuleConfig(List.of(NamePattern.parse("*")), List.of(), false, repositories, deny);
    }

    @Test
    void whereAPatternGivesUpWhatItDeniesIsDenied() {
        AccessRules rules =
                new AccessRules(List.of(rule(List.of(COSTLY), Optional.of("no")), rule(List.of(), Optional.empty())));
        assertThat(rules.refusal(ALICE, NAME)).contains("no (access[0])");
        assertThat(rules.refusal(ALICE, Repository.parse("registry.test/c"))).isEmpty();
    }

    @Test
    void whereAPatternGivesUpWhatItAllowsIsNotAllowed() {
        AccessRules rules = new AccessRules(List.of(rule(List.of(COSTLY), Optional.empty())));
        assertThat(rules.refusal(ALICE, NAME)).isPresent();
        assertThat(rules.refusal(ALICE, Repository.parse("registry.test/aa-x"))).isEmpty();
    }

    @Test
    void whereAPatternGivesUpOnANameOfPeopleWhatItDeniesIsDeniedAndWhatItAllowsIsNot() {
        NamePattern costly = NamePattern.regex("(a|aa)+\\1-x");
        String name = "a".repeat(60) + "-b";
        Visitor user = Visitor.named(name, Set.of());
        Visitor member = Visitor.named("bob", Set.of(name));
        AccessRuleConfig everybody = rule(List.of(), Optional.empty());
        AccessRuleConfig denied =
                new AccessRuleConfig(List.of(costly), List.of(costly), false, List.of(), Optional.of("no"));
        AccessRules denying = new AccessRules(List.of(denied, everybody));
        assertThat(denying.refusal(user, NAME)).contains("no (access[0])");
        assertThat(denying.refusal(member, NAME)).contains("no (access[0])");
        assertThat(denying.refusal(ALICE, NAME)).isEmpty();
        AccessRules allowing = new AccessRules(
                List.of(new AccessRuleConfig(List.of(costly), List.of(costly), false, List.of(), Optional.empty())));
        assertThat(allowing.refusal(user, NAME)).isPresent();
        assertThat(allowing.refusal(member, NAME)).isPresent();
    }

    private static AccessRuleConfig about(List<String> users, List<String> groups, Optional<String> deny) {
        return new AccessRuleConfig(
                users.stream().map(NamePattern::parse).toList(),
                groups.stream().map(NamePattern::parse).toList(),
                false,
                List.of(),
                deny);
    }

    @Test
    void aStarIsEverybodyWhoseNameHasASlashToo() {
        Visitor path = Visitor.named("x/y", Set.of());
        AccessRules denying = new AccessRules(List.of(
                about(List.of("*"), List.of(), Optional.of("no")), about(List.of("x/y"), List.of(), Optional.empty())));
        assertThat(denying.refusal(path, NAME)).contains("no (access[0])");
        AccessRules allowing = new AccessRules(List.of(about(List.of("*"), List.of(), Optional.empty())));
        assertThat(allowing.refusal(path, NAME)).isEmpty();
    }

    @Test
    void aStarIsAnyGroupWhoseNameHasASlashToo() {
        Visitor member = Visitor.named("alice", Set.of("/developers"));
        AccessRules denying = new AccessRules(List.of(
                about(List.of(), List.of("*"), Optional.of("no")),
                about(List.of("alice"), List.of(), Optional.empty())));
        assertThat(denying.refusal(member, NAME)).contains("no (access[0])");
        AccessRules allowing = new AccessRules(List.of(about(List.of(), List.of("*developers"), Optional.empty())));
        assertThat(allowing.refusal(member, NAME)).isEmpty();
        assertThat(allowing.refusal(ALICE, NAME)).isPresent();
    }
}
