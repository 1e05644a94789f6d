package dev.entrepot.proxy.rules;

import dev.entrepot.cache.Explanation;
import dev.entrepot.cache.Explanation.Outcome;
import dev.entrepot.cache.Setting;
import dev.entrepot.oci.OciJson;
import dev.entrepot.proxy.access.AnonymousPulls;
import dev.entrepot.proxy.http.FailureStatus;
import java.util.Locale;
import java.util.Optional;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** An explanation as JSON, as the admin API answers and {@code entrepot explain --json} prints it. */
public final class ExplanationJson {
    private ExplanationJson() {}

    /**
     * Writes an explanation.
     *
     * @param repository what is explained, which knows where it is asked for
     * @param rules the rules that made its settings, which know where they were written
     * @param access what is decided of a client that does not say who it is; empty where everybody may pull everything
     */
    public static ObjectNode of(
            Explanation explanation, Explainable repository, RuleSet rules, Optional<AnonymousPulls.Decision> access) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        json.put("repository", explanation.repository().toString());
        json.put("reference", explanation.reference().toString());
        json.put("kind", explanation.blob() ? "blob" : "manifest");
        kept(json, explanation);
        json.put("asks", explanation.asks().name().toLowerCase(Locale.ROOT));
        explanation.nextCheck().ifPresent(at -> json.put("nextCheck", at.toString()));
        explanation.pin().ifPresent(pin -> {
            ObjectNode node = json.putObject("pin").put("by", pin.ruled() ? "rule" : "hand");
            ArrayNode platforms = node.putArray("platforms");
            pin.platforms().forEach(platform -> platforms.add(platform.toString()));
            node.put("referrers", pin.referrers());
        });
        ArrayNode places = json.putArray("places");
        for (Explainable.Place place : repository.places().of(explanation.reference(), explanation.blob())) {
            ObjectNode entry = places.addObject().put("name", place.name()).put("mirror", place.isMirror());
            place.notAsked().ifPresent(why -> entry.put("notAsked", why));
        }
        repository.proofFor().ifPresent(time -> json.put("proofForSeconds", time.toSeconds()));
        access.ifPresent(decision -> access(json, decision));
        Optional<AnonymousPulls.Refusal> refusal = access.flatMap(AnonymousPulls.Decision::refusal);
        json.set("now", refusal.map(ExplanationJson::refused).orElseGet(() -> outcome(explanation.up())));
        if (refusal.isPresent()) {
            json.set("nowIfLetIn", outcome(explanation.up()));
        }
        ObjectNode down = json.putObject("ifUpstreamIs");
        explanation.down().forEach((cause, outcome) -> down.set(cause.label(), outcome(outcome)));
        ArrayNode settings = json.putArray("settings");
        for (Setting setting : Setting.values()) {
            ObjectNode entry = settings.addObject();
            entry.put("setting", setting.label());
            entry.put("value", SettingText.of(setting, explanation.settings()));
            entry.put("rule", explanation.settings().rule(setting));
            rules.where(explanation.settings(), setting).ifPresent(where -> entry.put("where", where));
        }
        return json;
    }

    private static void access(ObjectNode json, AnonymousPulls.Decision decision) {
        ObjectNode node = json.putObject("access");
        node.put("anonymous", decision.refusal().isEmpty() ? "allowed" : "refused");
        decision.rule().ifPresent(rule -> node.put("rule", rule));
        decision.where().ifPresent(where -> node.put("where", where));
        node.put("dependsOnClient", decision.othersDiffer());
    }

    private static ObjectNode refused(AnonymousPulls.Refusal refusal) {
        return OciJson.mapper()
                .createObjectNode()
                .put("status", refusal.status())
                .put("error", refusal.message());
    }

    private static void kept(ObjectNode json, Explanation explanation) {
        explanation.kept().ifPresent(kept -> {
            ObjectNode node = json.putObject("kept");
            node.put("digest", kept.digest().toString());
            if (!explanation.blob()) {
                node.put("manifestKept", kept.here());
            }
            kept.confirmedAt().ifPresent(at -> node.put("confirmedAt", at.toString()));
            kept.confirmedAt().ifPresent(at -> node.put("ageSeconds", kept.age().toSeconds()));
            kept.firstSeenAt().ifPresent(at -> node.put("firstSeenAt", at.toString()));
            node.put("manifests", kept.manifests());
            node.put("manifestsKept", kept.manifestsKept());
            node.put("blobs", kept.blobs());
            node.put("blobsKept", kept.blobsKept());
            node.put("bytesKept", kept.bytesKept());
        });
        if (!explanation.former().isEmpty()) {
            ArrayNode former = json.putArray("former");
            explanation
                    .former()
                    .forEach((digest, at) ->
                            former.addObject().put("digest", digest.toString()).put("firstSeenAt", at.toString()));
        }
    }

    private static ObjectNode outcome(Outcome outcome) {
        ObjectNode json = OciJson.mapper().createObjectNode();
        switch (outcome) {
            case Outcome.Served served -> {
                json.put("status", 200);
                json.put("verdict", served.verdict().headerValue());
                served.digest().ifPresent(digest -> json.put("digest", digest.toString()));
            }
            case Outcome.Unknown unknown -> json.put("notKnown", unknown.what());
            case Outcome.Failed failed -> {
                json.put("status", FailureStatus.of(failed.failure()));
                json.put("error", String.valueOf(failed.failure().getMessage()));
                failed.head().ifPresent(head -> json.set("head", outcome(head)));
            }
        }
        return json;
    }
}
