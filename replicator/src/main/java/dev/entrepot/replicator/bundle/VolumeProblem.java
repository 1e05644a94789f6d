package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Something that is wrong with a volume, or a volume that is not there.
 *
 * @param kind what sort of wrong
 * @param volume its number, where that is known
 * @param file where it is, where there is one
 * @param what what was found and what was expected
 * @param bundle the bundle that it is to be of, where that is known
 * @param litter whether all of the volume is there, and something more that can be removed
 */
public record VolumeProblem(
        Kind kind, OptionalInt volume, Optional<Path> file, String what, Optional<Digest> bundle, boolean litter) {
    /** What can be wrong. */
    public enum Kind {
        /** It is no volume of any bundle. */
        FOREIGN("is no volume of a bundle"),
        /** It ends too early, or lacks files. */
        TRUNCATED("is truncated"),
        /** It is not byte for byte what was exported. */
        ALTERED("is altered"),
        /** It has its files in another order. */
        REORDERED("is reordered"),
        /** It is of another bundle than the others. */
        OTHER_BUNDLE("is of another bundle"),
        /** Its number is there twice. */
        TWICE("is given twice"),
        /** It was not given. */
        MISSING("is missing"),
        /** Its inventory is not signed, or by another key. */
        UNTRUSTED("is not trusted"),
        /** What it carries contradicts the inventory, although every byte is as it was exported. */
        CONTRADICTORY("contradicts itself");

        private final String words;

        Kind(String words) {
            this.words = words;
        }
    }

    /** A problem of a volume whose number is known, of a bundle that is. */
    static VolumeProblem of(Kind kind, int volume, Path file, String what, Digest bundle) {
        return new VolumeProblem(kind, OptionalInt.of(volume), Optional.of(file), what, Optional.of(bundle), false);
    }

    /** A problem of a file of which nothing is known. */
    static VolumeProblem of(Kind kind, Path file, String what) {
        return new VolumeProblem(kind, OptionalInt.empty(), Optional.of(file), what, Optional.empty(), false);
    }

    /** A volume that was not given. */
    static VolumeProblem missing(int volume, Digest bundle) {
        return new VolumeProblem(
                Kind.MISSING, OptionalInt.of(volume), Optional.empty(), "it was not given", Optional.of(bundle), false);
    }

    /** Something in a folder that does not belong there. */
    static VolumeProblem litter(Path file, String what) {
        return new VolumeProblem(Kind.ALTERED, OptionalInt.empty(), Optional.of(file), what, Optional.empty(), true);
    }

    /** The same with the number of the volume and its bundle. */
    VolumeProblem in(int number, Digest id) {
        return new VolumeProblem(kind, OptionalInt.of(number), file, what, Optional.of(id), litter);
    }

    /** What to ask the sender for, where that helps. */
    public Optional<String> remedy() {
        boolean again = switch (kind) {
            case TRUNCATED, ALTERED, REORDERED, MISSING -> true;
            case FOREIGN, OTHER_BUNDLE, TWICE, UNTRUSTED, CONTRADICTORY -> false;
        };
        return again && !litter && volume.isPresent() && bundle.isPresent()
                ? Optional.of(reissue(bundle.get(), String.valueOf(volume.getAsInt())))
                : Optional.empty();
    }

    /** The command that writes volumes of a bundle again, where it is given. */
    static String reissue(Digest bundle, String volumes) {
        return "entrepot export --reissue " + bundle + " --volumes " + volumes + " --output .";
    }

    /** One line for people. */
    @Override
    public String toString() {
        String number = volume.isPresent() ? "volume " + volume.getAsInt() : "";
        String place = file.map(path -> number.isEmpty() ? path.toString() : " (" + path + ")")
                .orElse("");
        return number + place + " " + kind.words + ": " + what
                + remedy().map(command -> "; ask the sender for: " + command).orElse("");
    }
}
