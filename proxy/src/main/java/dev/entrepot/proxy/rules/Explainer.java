package dev.entrepot.proxy.rules;

import dev.entrepot.cache.Explanation;
import dev.entrepot.oci.InvalidNameException;
import dev.entrepot.oci.ManifestReference;
import dev.entrepot.oci.Reference;
import dev.entrepot.oci.Repository;
import dev.entrepot.proxy.access.AnonymousPulls;
import dev.entrepot.proxy.admin.AdminEndpoint;
import dev.entrepot.proxy.admin.AdminReply;
import dev.entrepot.proxy.admin.AdminRequest;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Supplier;
import tools.jackson.databind.node.ObjectNode;

/** Explains references: {@code GET /explain?ref=docker.io/library/alpine:3.20}. Safe for all threads. */
public final class Explainer implements AdminEndpoint {
    private static final String PATH = "/explain";
    private static final String PARAMETER = "ref";

    private final LiveRules rules;
    private final Supplier<AnonymousPulls> access;
    private final Function<Repository, Optional<Explainable>> repositories;

    /**
     * Explains what these rules make of these repositories.
     *
     * @param access what the rules of access in effect make of clients that do not say who they are
     * @param repositories a repository as it is served; empty if its registry is not an upstream
     */
    public Explainer(
            LiveRules rules,
            Supplier<AnonymousPulls> access,
            Function<Repository, Optional<Explainable>> repositories) {
        this.rules = rules;
        this.access = access;
        this.repositories = repositories;
    }

    /**
     * Explains a reference, as it is written in commands.
     *
     * @throws InvalidNameException if it is none
     */
    public Optional<ObjectNode> explain(String text) {
        Reference reference = Reference.parse(text);
        return repositories.apply(reference.repository()).map(repository -> explain(repository, reference.manifest()));
    }

    private ObjectNode explain(Explainable repository, ManifestReference reference) {
        Explanation explanation = repository.pull().explain(reference, repository::mirrors);
        return ExplanationJson.of(
                explanation, repository, rules.current(), access.get().of(explanation.repository()));
    }

    @Override
    public Optional<AdminReply> answer(AdminRequest request) {
        if (!request.path().equals(PATH)) {
            return Optional.empty();
        }
        if (!request.method().equals("GET")) {
            return Optional.of(usage());
        }
        try {
            return Optional.of(AdminRequest.parameter(request.query(), PARAMETER)
                    .map(this::answer)
                    .orElseGet(Explainer::usage));
        } catch (IllegalArgumentException e) {
            return Optional.of(AdminReply.error(400, String.valueOf(e.getMessage())));
        }
    }

    private AdminReply answer(String text) {
        return explain(text)
                .map(json -> new AdminReply(200, json.toString()))
                .orElseGet(() -> AdminReply.error(404, noUpstream(text)));
    }

    private static AdminReply usage() {
        return AdminReply.error(400, "GET " + PATH + "?ref=docker.io/library/alpine:3.20");
    }

    /** What is said of a reference whose registry is not an upstream. */
    public static String noUpstream(String text) {
        return "the registry of " + text + " is not an upstream of the configuration";
    }
}
