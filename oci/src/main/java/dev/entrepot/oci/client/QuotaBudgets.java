package dev.entrepot.oci.client;

import dev.entrepot.oci.OutageException;
import dev.entrepot.oci.Repository;
import java.io.IOException;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/** The budgets of one registry, one for each account that it is asked with. Safe for all threads. */
final class QuotaBudgets {
    /** The account of those that show no credentials. */
    static final String ANONYMOUS = "anonymous";

    private static final String UNKNOWN = "unknown";
    private static final int MOST = 64;
    private static final int FINGERPRINT = 8;

    private final RegistryEndpoint endpoint;
    private final QuotaReserve reserve;
    private final SteadyClock clock;
    private final Map<String, QuotaBudget> budgets = new ConcurrentHashMap<>();
    private volatile String lastAccount = UNKNOWN;

    QuotaBudgets(RegistryEndpoint endpoint, QuotaReserve reserve, SteadyClock clock) {
        this.endpoint = endpoint;
        this.reserve = reserve;
        this.clock = clock;
    }

    /** The budget that a request counts against. */
    QuotaBudget of(ApiRequest request) {
        return of(request.repository());
    }

    private QuotaBudget of(Optional<Repository> repository) {
        String account = account(repository);
        lastAccount = account;
        // Configurations name a few accounts; whatever a source may make up, memory stays bounded.
        String key = budgets.containsKey(account) || budgets.size() < MOST ? account : "others";
        return budgets.computeIfAbsent(key, name -> new QuotaBudget(name, reserve, clock));
    }

    /** Whether a request may cost a pull of a quota: the GET of a manifest where there is one, as far as is known. */
    boolean mayCost(ApiRequest request) {
        return request.operation() == Operation.MANIFEST
                && request.method().equals("GET")
                && counts(request.repository());
    }

    /** Whether the registry is known to count the pulls of a repository. */
    boolean counts(Repository repository) {
        return counts(Optional.of(repository));
    }

    private boolean counts(Optional<Repository> repository) {
        return endpoint.isDockerHub() || of(repository).isKnown();
    }

    /**
     * Why a manifest of a repository had better not be fetched for which something that is kept can stand in; empty if
     * more is left than the reserve, or nothing.
     */
    Optional<OutageException> reserved(Repository repository) {
        return of(Optional.of(repository))
                .reserved()
                .map(stop -> notFetched(
                        repository,
                        stop,
                        stop.remaining().orElse(0) + " of " + stop.limit().orElse(0)
                                + " pulls are left, which are kept for what is not kept here (quota-reserve)"));
    }

    /** Why no manifest of a repository can be fetched: no pull is left; empty if one may be. */
    Optional<OutageException> spent(Repository repository) {
        return of(Optional.of(repository))
                .spent()
                .map(stop -> notFetched(
                        repository,
                        stop,
                        stop.limit().isPresent()
                                ? "none of " + stop.limit().getAsLong() + " pulls is left"
                                : "no pull is left"));
    }

    private OutageException notFetched(Repository repository, QuotaBudget.Verdict.Stop stop, String why) {
        Duration wait = Duration.between(clock.instant(), stop.until());
        return new OutageException(
                OutageException.Reason.QUOTA,
                repository + " has changed and is not fetched from " + endpoint.registry() + ": " + why
                        + ", at the latest until "
                        + clock.onWall(stop.until()).truncatedTo(ChronoUnit.SECONDS),
                Optional.of(wait.isNegative() ? Duration.ZERO : wait),
                null);
    }

    /** The account that the registry was last asked with; asks nobody for credentials. */
    String lastAccount() {
        return endpoint.credentials().account().orElse(lastAccount);
    }

    private String account(Optional<Repository> repository) {
        Optional<String> known = endpoint.credentials().account();
        if (known.isPresent()) {
            return known.get();
        }
        try {
            Optional<Credential> credential = repository.isPresent()
                    ? endpoint.credentials().credential(repository.get())
                    : endpoint.credentials().credential(endpoint.registry());
            return credential.map(QuotaBudgets::name).orElse(ANONYMOUS);
        } catch (IOException e) {
            // The request fails when the credentials are needed, and says why.
            return UNKNOWN;
        }
    }

    /**
     * How an account is called: by its name, where there is one, so that a new password is the same account; else by
     * what tells it from others and no more.
     */
    static String name(Credential credential) {
        return switch (credential) {
            case Credential.UserPassword user -> user.username();
            case Credential.IdentityToken identity ->
                "identity token " + identity.fingerprint().substring(0, FINGERPRINT);
            case Credential.BearerToken bearer -> "access token";
        };
    }

    /** What is known of them, with times of the wall clock. */
    List<QuotaState> states() {
        return budgets.values().stream()
                .flatMap(budget -> budget.state().stream())
                .map(state -> state.at(clock::onWall))
                .sorted((one, other) -> one.account().compareTo(other.account()))
                .toList();
    }
}
