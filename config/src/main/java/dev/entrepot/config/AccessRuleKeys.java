package dev.entrepot.config;

import java.util.List;
import java.util.Optional;

/** The keys of an entry of {@code access:}. */
final class AccessRuleKeys {
    private static final Key<AccessRuleConfig, List<NamePattern>> USERS = Key.list(
            "users",
            ListType.of(PatternTypes.WHO),
            AccessRuleConfig::users,
            "The users that the rule is about; \"*\" is everybody who has said who he is: of users and groups, no wildcard stops at a slash.");
    private static final Key<AccessRuleConfig, List<NamePattern>> GROUPS = Key.list(
            "groups",
            ListType.of(PatternTypes.WHO),
            AccessRuleConfig::groups,
            "The groups whose members it is about; \"*\" is any group.");
    private static final Key<AccessRuleConfig, Boolean> ANONYMOUS = Key.withDefault(
            "anonymous",
            Types.BOOL,
            "false",
            AccessRuleConfig::anonymous,
            "Whether it is also about clients that have not said who they are.");
    private static final Key<AccessRuleConfig, List<NamePattern>> REPOSITORIES = Key.list(
            "repositories",
            ListType.notEmpty(PatternTypes.IMAGE),
            AccessRuleConfig::repositories,
            "The repositories that it is about, with their registries before them, for example docker.io/library/*; all of them without this key.");
    private static final Key<AccessRuleConfig, Optional<String>> DENY = Key.optional(
            "deny",
            ReasonType.REASON,
            AccessRuleConfig::deny,
            "They may not pull these, and are shown this reason. Without it they may.");
    static final Section<AccessRuleConfig> SECTION = new Section<>(
            "access rule",
            List.of(USERS, GROUPS, ANONYMOUS, REPOSITORIES, DENY),
            values -> new AccessRuleConfig(
                    values.get(USERS),
                    values.get(GROUPS),
                    values.get(ANONYMOUS),
                    values.get(REPOSITORIES),
                    values.get(DENY)));

    private AccessRuleKeys() {}
}
