package dev.entrepot.replicator.bundle;

import dev.entrepot.oci.Digest;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * Something that is wrong with a volume, or a volume that is not there.
 *
 * @param kind what sort of wrong
 * @param volume its number, where that is known
 * @param file where it is, where there is one
 * @param what what was found and what was expected
 * @param bundle the bundle that it is to be of, where that is known
 * @param here whether it is mended here, and the sender need not be asked
 * @param either the two bundles of which it is one, where nothing says which; else empty
 */
public record VolumeProblem(
        Kind kind,
        OptionalInt volume,
        Optional<Path> file,
        String what,
        Optional<Digest> bundle,
        boolean here,
        List<Digest> either) {
    /** Copies the list. */
    public VolumeProblem {
        either = List.copyOf(either);
    }

    private VolumeProblem(
            Kind kind, OptionalInt volume, Optional<Path> file, String what, Optional<Digest> bundle, boolean here) {
        this(kind, volume, file, what, bundle, here, List.of());
    }

    /** What can be wrong. */
    public enum Kind {
        /** It is no volume of any bundle. */
        FOREIGN("is no volume of a bundle"),
        /** It ends too early, or lacks files. */
        TRUNCATED("is truncated"),
        /** It is not byte for byte what was exported. */
        ALTERED("is altered"),
        /** The medium or the system does not give what is on it. */
        UNREADABLE("cannot be read"),
        /** It has its files in another order. */
        REORDERED("is reordered"),
        /** It is of another bundle than the others. */
        OTHER_BUNDLE("is of another bundle"),
        /** Its number is there twice. */
        TWICE("is given twice"),
        /** It was not given. */
        MISSING("is missing"),
        /** Its inventory is not signed, or not by a key that is trusted, or the signature is altered. */
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

    /**
     * A volume whose inventory has no signature, where one is asked for. It does not say how to do without: somebody
     * may have removed it.
     */
    static VolumeProblem unsigned(Path file) {
        return of(
                Kind.UNTRUSTED,
                file,
                "its inventory is not signed: the signature is lost, or somebody removed it, or there never was one");
    }

    /**
     * A volume that is not given by the medium or the system.
     *
     * @param where which place of it, in words
     */
    static VolumeProblem unreadable(Path file, String where, UnreadableException cause) {
        return new VolumeProblem(
                Kind.UNREADABLE,
                OptionalInt.empty(),
                Optional.of(file),
                where + " the system says: " + cause.reason(),
                Optional.empty(),
                cause.isDenied());
    }

    /** The same with the number of the volume and its bundle. */
    VolumeProblem in(int number, Digest id) {
        return new VolumeProblem(kind, OptionalInt.of(number), file, what, Optional.of(id), here);
    }

    /** The same as another kind. */
    VolumeProblem as(Kind other) {
        return new VolumeProblem(other, volume, file, what, bundle, here, either);
    }

    /**
     * The same of a volume that names two bundles, of which one is damaged: the sender knows which of them there is.
     */
    VolumeProblem inOneOf(int number, Digest one, Digest other) {
        VolumeProblem problem = new VolumeProblem(
                kind, OptionalInt.of(number), file, what, Optional.empty(), here, List.of(one, other));
        return problem.saying(
                "; one of the two is damaged, and nothing here says which: ask the sender for that of these"
                        + " that he has: " + problem.ask().orElseThrow());
    }

    private VolumeProblem saying(String more) {
        return new VolumeProblem(kind, volume, file, what + more, bundle, here, either);
    }

    /** Of a file that does not say any more which volume of which bundle it is, and beside which no other says it. */
    VolumeProblem alone() {
        return isMendedAgain() && !here
                ? saying(
                        "; what can be read of it does not say which volume of which bundle it is: ask the sender for this"
                                + " file again")
                : this;
    }

    /** Whether the volume is right if it is written again. */
    boolean isMendedAgain() {
        return switch (kind) {
            case TRUNCATED, ALTERED, UNREADABLE, REORDERED, MISSING -> true;
            case FOREIGN, OTHER_BUNDLE, TWICE, UNTRUSTED, CONTRADICTORY -> false;
        };
    }

    /** What to ask the sender for, where that helps. */
    public Optional<String> remedy() {
        // Of a signature that does not fit nobody knows whether it is damaged or another's.
        boolean helps = (isMendedAgain() || kind == Kind.UNTRUSTED) && !here;
        return helps && volume.isPresent() && bundle.isPresent()
                ? Optional.of(reissue(bundle.get(), String.valueOf(volume.getAsInt())))
                : Optional.empty();
    }

    /**
     * As {@link #remedy}, and of a volume that is of one of two bundles the commands for both, with {@code or} between
     * them.
     */
    public Optional<String> ask() {
        return either.isEmpty()
                ? remedy()
                : Optional.of(either.stream()
                        .map(id -> reissue(id, String.valueOf(volume.orElseThrow())))
                        .collect(Collectors.joining(" or ")));
    }

    /** The command that writes volumes of a bundle again, where it is given. */
    static String reissue(Digest bundle, String volumes) {
        return "entrepot export --reissue " + bundle + " --volumes " + volumes + " --output .";
    }

    /** One line for people. */
    @Override
    public String toString() {
        String number = volume.isPresent() ? "volume " + volume.getAsInt() : "";
        String place = file.map(ShownPath::of)
                .map(path -> number.isEmpty() ? path : " (" + path + ")")
                .orElse("");
        return number + place + " " + kind.words + ": " + what
                + remedy().map(command -> asking() + command).orElse("");
    }

    private String asking() {
        return kind == Kind.UNTRUSTED
                ? "; if the key is the right one, ask the sender for: "
                : "; ask the sender for: ";
    }
}
