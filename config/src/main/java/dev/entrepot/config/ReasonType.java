package dev.entrepot.config;

import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * The reason of a refusal: a text, but not a yes or no without quotes, which is meant for a switch and would refuse
 * with either.
 */
final class ReasonType implements ValueType<String> {
    static final ReasonType REASON = new ReasonType();

    private ReasonType() {}

    @Override
    public Optional<String> read(ConfigNode node) {
        if (node.isYesOrNo()) {
            node.error(
                    ConfigError.Kind.INVALID_VALUE,
                    node.rawText(),
                    "the reason that clients are shown, for example \"ask the platform team\"; to allow, leave the key out");
            return Optional.empty();
        }
        return Types.TEXT.read(node);
    }

    @Override
    public Printed print(String value) {
        return Types.TEXT.print(value);
    }

    @Override
    public ObjectNode schema() {
        return JsonForm.textOrNumber().schema();
    }

    @Override
    public String describe() {
        return Types.TEXT.describe();
    }
}
