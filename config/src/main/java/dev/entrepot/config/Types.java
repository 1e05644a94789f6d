package dev.entrepot.config;

import dev.entrepot.oci.EcrRegistry;
import dev.entrepot.oci.Platform;
import dev.entrepot.oci.RegistryHost;
import dev.entrepot.oci.RepositoryName;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.LocalTime;
import java.time.ZoneId;
import java.util.Arrays;
import java.util.Locale;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;

/** The single values that the file is made of. */
final class Types {
    static final ScalarType<String> TEXT =
            ScalarType.of("text", "a text", Types::notEmpty, text -> text, JsonForm.scalar());

    static final ScalarType<String> RULE_NAME = ScalarType.of(
            "name",
            ReplicationRuleConfig.NAME_ALLOWED,
            ReplicationRuleConfig::checkName,
            name -> name,
            JsonForm.patternOrNumber(ReplicationRuleConfig.NAME_GRAMMAR));

    static final ScalarType<Boolean> BOOL =
            ScalarType.of("true or false", "true or false", Types::bool, String::valueOf, JsonForm.bool());

    static final ScalarType<ByteSize> SIZE = ScalarType.of(
            "size", ByteSize.ALLOWED, ByteSize::parse, ByteSize::toString, JsonForm.patternOrNumber(ByteSize.GRAMMAR));

    static final ScalarType<ByteSize> SIZE_NOT_ZERO =
            ScalarType.of("size", ByteSize.ALLOWED, Types::sizeNotZero, ByteSize::toString, SIZE.form());

    // Of a source with as many slots as by default, a rule reads 24 blobs at once, 128 KiB in one go: at this rate each
    // of them again after 48 s.
    private static final long LEAST_BANDWIDTH_BYTES = 64 * 1024;

    static final ScalarType<ByteSize> BANDWIDTH = ScalarType.of(
            "size per second",
            "a number of bytes per second, 64KiB/s or more, for example 20MB/s",
            text -> bandwidth(text.endsWith("/s") ? text.substring(0, text.length() - 2) : text),
            size -> size + "/s",
            JsonForm.patternOrNumber(ByteSize.GRAMMAR + "(/s)?"));

    static final ScalarType<Duration> DURATION = ScalarType.of(
            "time", Durations.ALLOWED, Durations::parse, Durations::format, JsonForm.pattern(Durations.GRAMMAR));

    static final ScalarType<Duration> DURATION_NOT_ZERO =
            ScalarType.of("time", Durations.ALLOWED, Types::durationNotZero, Durations::format, DURATION.form());

    static final ScalarType<Percent> PERCENT = ScalarType.of(
            "percentage", Percent.ALLOWED, Percent::parse, Percent::toString, JsonForm.pattern(Percent.GRAMMAR));

    static final ScalarType<QuotaReserve> QUOTA_RESERVE = ScalarType.of(
            "pulls or percentage",
            QuotaReserve.ALLOWED,
            QuotaReserve::parse,
            QuotaReserve::toString,
            JsonForm.patternOrNumber(QuotaReserve.GRAMMAR));

    static final ScalarType<ListenAddress> LISTEN = ScalarType.of(
            "address",
            ListenAddress.ALLOWED,
            ListenAddress::parse,
            ListenAddress::toString,
            JsonForm.pattern(ListenAddress.GRAMMAR));

    static final ScalarType<RegistryHost> HOST = ScalarType.of(
            "registry",
            "the name of a registry, with :port where it is not the default, for example ghcr.io",
            RegistryHost::parse,
            RegistryHost::value,
            JsonForm.text());

    static final ScalarType<RepositoryName> REPOSITORY = ScalarType.of(
            "repository name",
            "a repository name: lower-case letters and digits, parts joined by . _ __ or -, components joined by /",
            RepositoryName::new,
            RepositoryName::value,
            JsonForm.scalar());

    static final ScalarType<ProbedImage> PROBED_IMAGE =
            ScalarType.of("image", ProbedImage.ALLOWED, ProbedImage::parse, ProbedImage::toString, JsonForm.text());

    static final ScalarType<Platform> PLATFORM = ScalarType.of(
            "platform",
            "os/architecture or os/architecture/variant, for example linux/arm64",
            Platform::parse,
            Platform::toString,
            JsonForm.pattern("[^/ ]+/[^/ ]+(/[^/ ]+)?"));

    static final ScalarType<Secret> SECRET = ScalarType.of(
                    "secret", "a secret that is not empty", Secret::of, Secret::toString, JsonForm.scalar())
            .masked(Types::maskUnlessReference);

    private static final String TOKEN_ALLOWED =
            "a token without line breaks, without blanks before and after it, and of"
                    + " ASCII alone: a header field (Authorization: Bearer) cannot carry the rest";

    static final ScalarType<Secret> TOKEN = ScalarType.of(
                    "secret", TOKEN_ALLOWED, Types::token, Secret::toString, JsonForm.scalar())
            .masked(Types::maskUnlessReference);

    private static final String ACCOUNT_ALLOWED =
            "a name without a colon, at which registries would end it (RFC 7617), and without control characters";

    static final ScalarType<String> ACCOUNT =
            ScalarType.of("text", ACCOUNT_ALLOWED, Types::account, name -> name, JsonForm.scalar());

    static final ScalarType<Path> PATH = new ScalarType<>(
            "path", "a path", Types::path, Path::toString, UnaryOperator.identity(), JsonForm.scalar());

    static final ScalarType<Path> FILE = new ScalarType<>(
            "file",
            "a file that can be read",
            Types::file,
            Path::toString,
            UnaryOperator.identity(),
            JsonForm.scalar());

    static final ScalarType<ZoneId> ZONE = ScalarType.of(
            "time zone", "a time zone, for example UTC or Europe/Berlin", Types::zone, ZoneId::getId, JsonForm.text());

    static final ScalarType<LocalTime> TIME_OF_DAY = ScalarType.of(
            "time of day",
            "a time of day from 00:00 to 23:59",
            Types::timeOfDay,
            LocalTime::toString,
            JsonForm.pattern("([01][0-9]|2[0-3]):[0-5][0-9]"));

    static final ScalarType<SemverRange> SEMVER =
            ScalarType.of("version range", SemverRange.ALLOWED, SemverRange::new, SemverRange::text, JsonForm.scalar());

    static final ScalarType<CronExpression> CRON = ScalarType.of(
            "cron expression", CronExpression.ALLOWED, CronExpression::new, CronExpression::text, JsonForm.text());

    static final ScalarType<String> AWS_REGION = ScalarType.of(
            "region",
            "a region of AWS, for example eu-central-1",
            Types::awsRegion,
            region -> region,
            JsonForm.pattern("[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}"));

    private Types() {}

    /** A whole number within bounds. */
    static ScalarType<Integer> integer(int least, int most) {
        return ScalarType.of(
                "number",
                "a whole number from " + least + " to " + most,
                text -> wholeNumber(text, least, most),
                String::valueOf,
                JsonForm.integer(least, most));
    }

    /** A whole number within bounds, of which the lower is negative. */
    static ScalarType<Integer> signedInteger(int least, int most) {
        String allowed = "a whole number from " + least + " to " + most;
        return ScalarType.of(
                "number",
                allowed,
                text -> {
                    if (!text.matches("-?[0-9]{1,9}")
                            || Integer.parseInt(text) < least
                            || Integer.parseInt(text) > most) {
                        throw refused(allowed);
                    }
                    return Integer.parseInt(text);
                },
                String::valueOf,
                JsonForm.integer(least, most));
    }

    /** One of the words that an enum has, in lower case and with {@code -} for {@code _}. */
    static <E extends Enum<E>> ScalarType<E> word(E[] words) {
        String allowed = Arrays.stream(words).map(Types::spell).collect(Collectors.joining(" | "));
        return ScalarType.of(
                allowed,
                "one of " + allowed.replace(" | ", ", "),
                text -> Arrays.stream(words)
                        .filter(word -> spell(word).equals(text))
                        .findFirst()
                        .orElseThrow(() -> refused("one of " + allowed.replace(" | ", ", "))),
                Types::spell,
                JsonForm.pattern(allowed.replace(" | ", "|")));
    }

    private static String spell(Enum<?> word) {
        return word.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }

    private static String notEmpty(String text) {
        if (text.isBlank() || text.chars().anyMatch(Character::isISOControl)) {
            throw refused("a text that is not empty and has no control characters");
        }
        return text;
    }

    private static Secret token(String text) {
        if (text.chars().anyMatch(c -> c < ' ' || c > '~') || !text.strip().equals(text)) {
            throw refused(TOKEN_ALLOWED);
        }
        return Secret.of(text);
    }

    private static String account(String text) {
        if (text.indexOf(':') >= 0) {
            throw refused(ACCOUNT_ALLOWED);
        }
        return notEmpty(text);
    }

    private static String awsRegion(String text) {
        if (!EcrRegistry.isRegion(text)) {
            throw refused("a region of AWS, for example eu-central-1");
        }
        return text;
    }

    private static boolean bool(String text) {
        return switch (text) {
            case "true" -> true;
            case "false" -> false;
            default -> throw refused("true or false");
        };
    }

    private static int wholeNumber(String text, int least, int most) {
        String allowed = "a whole number from " + least + " to " + most;
        if (!text.matches("[0-9]{1,9}")) {
            throw refused(allowed);
        }
        int value = Integer.parseInt(text);
        if (value < least || value > most) {
            throw refused(allowed);
        }
        return value;
    }

    private static ByteSize bandwidth(String text) {
        ByteSize size = ByteSize.parse(text);
        if (size.bytes() < LEAST_BANDWIDTH_BYTES) {
            throw refused(
                    "64KiB/s or more: at less, each of the blobs that move side by side stands still for longer than"
                            + " registries wait, about a minute; to use less of a network, have the rule run seldom (schedule)");
        }
        return size;
    }

    private static ByteSize sizeNotZero(String text) {
        ByteSize size = ByteSize.parse(text);
        if (size.bytes() == 0) {
            throw refused("at least 1 byte");
        }
        return size;
    }

    private static Duration durationNotZero(String text) {
        Duration duration = Durations.parse(text);
        if (duration.isZero()) {
            throw refused("a time of more than 0");
        }
        return duration;
    }

    private static Path path(String text, Reading reading) {
        if (text.isBlank()) {
            throw refused("a path");
        }
        try {
            return reading.resolve(text);
        } catch (InvalidPathException e) {
            throw refused("a path");
        }
    }

    private static Path file(String text, Reading reading) {
        Path file = path(text, reading);
        if (!Files.isRegularFile(file) || !Files.isReadable(file)) {
            throw refused("a file that is there and can be read");
        }
        return file;
    }

    private static ZoneId zone(String text) {
        try {
            return ZoneId.of(text);
        } catch (DateTimeException e) {
            throw refused("a time zone, for example UTC or Europe/Berlin");
        }
    }

    private static LocalTime timeOfDay(String text) {
        if (!text.matches("([01][0-9]|2[0-3]):[0-5][0-9]")) {
            throw refused("a time of day from 00:00 to 23:59");
        }
        return LocalTime.parse(text);
    }

    private static String maskUnlessReference(String text) {
        return text.matches("\\$\\{(env|file):[^{}]*}") && !text.contains(":-") ? text : Secret.MASK;
    }

    private static InvalidValueException refused(String allowed) {
        return new InvalidValueException("", allowed);
    }
}
