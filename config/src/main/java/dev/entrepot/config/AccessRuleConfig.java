package dev.entrepot.config;

import java.util.List;
import java.util.Optional;

/**
 * Who may pull what. Of an ordered list, the first rule that fits both the client and the repository decides; what none
 * fits is refused.
 *
 * @param users the names of users that it is about
 * @param groups the groups whose members it is about
 * @param anonymous whether it is also about clients that have not said who they are
 * @param repositories the repositories that it is about, with their registries before them; all of them if empty
 * @param deny why they may not be pulled; without it, they may
 */
public record AccessRuleConfig(
        List<NamePattern> users,
        List<NamePattern> groups,
        boolean anonymous,
        List<NamePattern> repositories,
        Optional<String> deny) {
    /** Copies the lists, and validates that the rule says whom it is about. */
    public AccessRuleConfig {
        users = List.copyOf(users);
        groups = List.copyOf(groups);
        repositories = List.copyOf(repositories);
        if (users.isEmpty() && groups.isEmpty() && !anonymous) {
            throw new InvalidValueException("users", "whom the rule is about: users, groups or anonymous: true");
        }
    }
}
