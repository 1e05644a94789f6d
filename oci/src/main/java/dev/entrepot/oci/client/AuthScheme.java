package dev.entrepot.oci.client;

import java.util.List;
import java.util.Optional;

/** How a registry wants to be shown who is asking, as its challenges say. */
sealed interface AuthScheme {
    /** It has not said so, or in no way that is known here. */
    record Unknown() implements AuthScheme {}

    /** By name and password (RFC 7617). */
    record Basic() implements AuthScheme {}

    /** By a token from {@code realm}, which knows the registry as {@code service}. */
    record Bearer(String realm, Optional<String> service) implements AuthScheme {}

    /** The scheme that some challenges ask for: tokens where there is a choice. */
    static AuthScheme of(List<Challenge> challenges) {
        Optional<Challenge> bearer = Challenge.find(challenges, Challenge.BEARER);
        Optional<String> realm = bearer.flatMap(c -> c.parameter("realm"));
        if (realm.isPresent()) {
            return new Bearer(realm.get(), bearer.flatMap(c -> c.parameter("service")));
        }
        return Challenge.find(challenges, Challenge.BASIC).isPresent() ? new Basic() : new Unknown();
    }
}
