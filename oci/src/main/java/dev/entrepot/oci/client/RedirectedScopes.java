package dev.entrepot.oci.client;

import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.Repository;
import dev.entrepot.oci.RepositoryName;
import java.net.URI;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a token must allow besides what was asked for, after a registry has redirected within its own origin. What a
 * challenge asks for is not believed (GHCR's names a repository that does not exist, and a hostile one would name what
 * somebody else's registry has, behind a token service that both share), but for one case: Harbor leads from
 * {@code proxy/app} to {@code proxy/library/app}. So the challenge may name the repository that the redirect led to, if
 * that has all components of the name that was asked for in their order, and a token may do there what it was to do
 * here.
 */
final class RedirectedScopes {
    private static final String TYPE = "repository:";
    private static final List<String> KINDS = List.of("manifests/", "blobs/", "tags/", "referrers/");

    private RedirectedScopes() {}

    /**
     * The scopes to ask for.
     *
     * @param request the request as it was sent first
     * @param refused where it was refused
     * @param challenges the challenges of the refusal
     */
    static List<Scope> of(ApiRequest request, URI refused, List<Challenge> challenges) {
        Optional<RepositoryName> asked = request.repository().map(Repository::name);
        if (asked.isEmpty() || refused.equals(request.uri())) {
            return List.of();
        }
        String path = String.valueOf(refused.getRawPath());
        return Challenge.find(challenges, Challenge.BEARER).flatMap(c -> c.parameter("scope")).stream()
                .flatMap(text -> Arrays.stream(text.strip().split("\\s+")))
                .flatMap(RedirectedScopes::repository)
                .filter(name -> isIn(path, name) && holds(name, asked.get()))
                .map(name -> scope(request, asked.get(), name))
                .distinct()
                .toList();
    }

    private static Stream<RepositoryName> repository(String scope) {
        int end = scope.lastIndexOf(':');
        if (!scope.startsWith(TYPE) || end < TYPE.length()) {
            return Stream.empty();
        }
        try {
            return Stream.of(new RepositoryName(scope.substring(TYPE.length(), end)));
        } catch (InvalidNameException e) {
            return Stream.empty();
        }
    }

    private static boolean isIn(String path, RepositoryName name) {
        return KINDS.stream().anyMatch(kind -> path.contains("/v2/" + name + "/" + kind));
    }

    private static boolean holds(RepositoryName name, RepositoryName asked) {
        Iterator<String> components = Arrays.asList(name.value().split("/")).iterator();
        for (String wanted : asked.value().split("/")) {
            boolean found = false;
            while (!found && components.hasNext()) {
                found = components.next().equals(wanted);
            }
            if (!found) {
                return false;
            }
        }
        return true;
    }

    private static Scope scope(ApiRequest request, RepositoryName asked, RepositoryName name) {
        if (request.scopes().contains(Scope.delete(asked))) {
            return Scope.delete(name);
        }
        return request.scopes().contains(Scope.push(asked)) ? Scope.push(name) : Scope.pull(name);
    }
}
