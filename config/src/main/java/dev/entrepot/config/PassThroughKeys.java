package dev.entrepot.config;

import java.time.Duration;
import java.util.List;

/** The keys of {@code pass-through:} of an upstream. */
final class PassThroughKeys {
    private static final Key<PassThroughConfig, PassThroughConfig.Proof> PROOF = Key.withDefault(
            "proof",
            Types.word(PassThroughConfig.Proof.values()),
            "head",
            PassThroughConfig::proof,
            "How a client proves that it may have what is kept: head, the registry answers a HEAD of what it asks for, made with its credentials.");
    private static final Key<PassThroughConfig, Duration> PROOF_FOR = Key.withDefault(
            "proof-for",
            Types.DURATION_NOT_ZERO,
            Durations.format(PassThroughConfig.DEFAULT_PROOF_FOR),
            PassThroughConfig::proofFor,
            "How long that counts, for that client and repository; at most 1h. Rights that are taken away there count here after this time at the latest.");

    static final Section<PassThroughConfig> SECTION = new Section<>(
            "pass-through of credentials",
            List.of(PROOF, PROOF_FOR),
            values -> new PassThroughConfig(values.get(PROOF), values.get(PROOF_FOR)));

    private PassThroughKeys() {}
}
