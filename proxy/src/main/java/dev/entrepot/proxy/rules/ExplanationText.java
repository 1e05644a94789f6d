package dev.entrepot.proxy.rules;

import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/** An explanation for people, made of its JSON, so that it reads the same whoever made it. */
public final class ExplanationText {
    private ExplanationText() {}

    /** The lines, the last one ended. */
    public static String of(JsonNode json) {
        StringBuilder out = new StringBuilder();
        String reference = text(json, "reference");
        out.append(text(json, "repository"))
                .append(reference.contains(":") ? '@' : ':')
                .append(reference)
                .append("\n\n");
        kept(out, json);
        pin(out, json.path("pin"));
        out.append("next check   ").append(nextCheck(json)).append('\n');
        for (JsonNode place : json.path("places")) {
            String why = text(place, "notAsked");
            out.append("asked        ")
                    .append(text(place, "name"))
                    .append(place.path("mirror").asBoolean() ? ", a mirror" : "")
                    .append(why.isEmpty() ? "\n" : ", but not now: " + why + "\n");
        }
        if (json.has("proofForSeconds")) {
            out.append("first        the upstream must have let the client in, by its own credentials, within ")
                    .append(json.path("proofForSeconds").asLong())
                    .append(" s\n");
        }
        now(out, json);
        out.append("if the upstream were down now\n");
        for (Map.Entry<String, JsonNode> cause : json.path("ifUpstreamIs").properties()) {
            out.append("  %-14s %s%n".formatted(cause.getKey(), outcome(cause.getValue())));
        }
        out.append("\nsettings\n");
        for (JsonNode setting : json.path("settings")) {
            String where = text(setting, "where");
            out.append("  %-20s %-32s %s%s%n"
                    .formatted(
                            text(setting, "setting"),
                            text(setting, "value"),
                            text(setting, "rule"),
                            where.isEmpty() ? "" : " (" + where + ")"));
        }
        return out.toString();
    }

    // Where access refuses who does not say who he is, what the cache would do is for others only.
    private static void now(StringBuilder out, JsonNode json) {
        JsonNode access = json.path("access");
        if (!access.isMissingNode()) {
            String where = text(access, "where");
            out.append("access       who does not say who he is: ")
                    .append(text(access, "anonymous"))
                    .append(" by ")
                    .append(access.has("rule") ? text(access, "rule") : "no rule that lets him in")
                    .append(where.isEmpty() ? "" : " (" + where + ")")
                    .append(
                            access.path("dependsOnClient").asBoolean()
                                    ? "; for others it depends on who they are\n"
                                    : "\n");
        }
        if (json.has("nowIfLetIn")) {
            out.append("a request now  ")
                    .append(outcome(json.path("now")))
                    .append("\nif let in      ")
                    .append(outcome(json.path("nowIfLetIn")));
        } else {
            out.append("a request now  ").append(outcome(json.path("now")));
        }
        out.append(asks(json)).append("\n\n");
    }

    private static void kept(StringBuilder out, JsonNode json) {
        JsonNode kept = json.path("kept");
        if (kept.isMissingNode()) {
            out.append("kept         nothing\n");
            return;
        }
        out.append("kept         ").append(text(kept, "digest"));
        if (text(json, "kind").equals("blob")) {
            out.append(", a blob of %d bytes%n".formatted(kept.path("bytesKept").asLong()));
            return;
        }
        out.append(kept.path("manifestKept").asBoolean() ? "\n" : " (its name only)\n");
        if (kept.has("confirmedAt")) {
            out.append("confirmed    ")
                    .append(text(kept, "confirmedAt"))
                    .append(", ")
                    .append(kept.path("ageSeconds").asLong())
                    .append(" s ago; first seen ")
                    .append(text(kept, "firstSeenAt"))
                    .append('\n');
        }
        out.append("content      %d of %d manifests, %d of %d blobs, %d bytes%n"
                .formatted(
                        kept.path("manifestsKept").asInt(),
                        kept.path("manifests").asInt(),
                        kept.path("blobsKept").asInt(),
                        kept.path("blobs").asInt(),
                        kept.path("bytesKept").asLong()));
        for (JsonNode former : json.path("former")) {
            out.append("before       ")
                    .append(text(former, "digest"))
                    .append(", first seen ")
                    .append(text(former, "firstSeenAt"))
                    .append('\n');
        }
    }

    private static void pin(StringBuilder out, JsonNode pin) {
        if (pin.isMissingNode()) {
            return;
        }
        List<String> platforms = pin.path("platforms")
                .valueStream()
                .map(platform -> platform.asString(""))
                .toList();
        out.append("pinned       by ")
                .append(text(pin, "by"))
                .append(", ")
                .append(platforms.isEmpty() ? "all platforms" : String.join(" ", platforms))
                .append(pin.path("referrers").asBoolean() ? ", with referrers\n" : "\n");
    }

    private static String nextCheck(JsonNode json) {
        if (json.has("nextCheck")) {
            return "at the first request from " + text(json, "nextCheck") + " on";
        }
        return text(json, "asks").equals("not") ? "never" : "at the first request";
    }

    private static String asks(JsonNode json) {
        return switch (text(json, "asks")) {
            case "before" -> ", after asking the upstream";
            case "behind" -> ", and the upstream is asked behind";
            default -> ", without asking the upstream";
        };
    }

    private static String outcome(JsonNode outcome) {
        if (outcome.has("notKnown")) {
            return "not known: " + text(outcome, "notKnown");
        }
        String digest = text(outcome, "digest");
        String head = outcome.has("head") ? "; a HEAD " + outcome(outcome.path("head")) : "";
        return outcome.path("status").asInt() + " "
                + (outcome.has("error")
                        ? text(outcome, "error") + head
                        : text(outcome, "verdict") + (digest.isEmpty() ? "" : " " + digest));
    }

    private static String text(JsonNode json, String name) {
        return json.path(name).asString("");
    }
}
