package dev.entrepot.replicator.bundle;

import java.nio.file.Path;
import java.util.Locale;

/** The names of the files of a bundle. */
public final class VolumeNames {
    private static final String TAR = ".tar";

    private VolumeNames() {}

    /** Whether volumes of this name are tars, and not folders. */
    public static boolean isTar(Path output) {
        return name(output).endsWith(TAR);
    }

    /**
     * Where a volume is: under the name that was asked for if it is the only one, else {@code NAME.001.tar} or, of
     * folders, {@code NAME.001}.
     *
     * @param output the name that was asked for
     */
    public static Path of(Path output, int volume, int volumes) {
        if (volumes == 1) {
            return output;
        }
        String name = name(output);
        String stem = isTar(output) ? name.substring(0, name.length() - TAR.length()) : name;
        String number = String.format(
                Locale.ROOT, "%0" + Math.max(3, Integer.toString(volumes).length()) + "d", volume);
        return output.resolveSibling(stem + "." + number + (isTar(output) ? TAR : ""));
    }

    /** The file name of the output that a volume was written for. */
    static String output(Path volume, int volumes) {
        String name = name(volume);
        return volumes == 1 ? name : name.replaceFirst("\\.[0-9]{3,4}(\\.tar)?$", "$1");
    }

    private static String name(Path output) {
        Path name = output.getFileName();
        return name == null ? "" : name.toString();
    }
}
