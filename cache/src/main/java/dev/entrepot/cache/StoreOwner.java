package dev.entrepot.cache;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Optional;
import java.util.Set;

/**
 * Keeps files of root out of a store that is another user's: what root makes there is root's, and the server of that
 * user could not open it any more. Whose a store is, its lock says, which the first process that opened it has made and
 * no later one replaces; where there is none yet, the folder does. So a store that none but root has ever used goes on
 * being root's, whoever's the folder is, as on the volume of a container. Leaves nothing there.
 *
 * <p>Nothing is given to the owner instead, which root of a container may not even be able to do: SQLite makes files of
 * its own, and whoever is killed in between leaves what nobody gave away.
 *
 * @param folder of the store
 * @param uid of the owner
 * @param gid of the owner's group
 * @param name the owner's; the number once more if he has none here
 */
record StoreOwner(Path folder, long uid, long gid, String name) {
    /** The user whom the system lets write anywhere. */
    static final int ROOT = 0;

    private static final Path OWN_PROCESS = Path.of("/proc/self");
    // Where systemd keeps the folders of users that exist only while their service runs; nobody but root gets there.
    private static final Path OF_DYNAMIC_USERS = Path.of("/var/lib/private");
    // What root makes there belongs to the owner of the mount, as everything does.
    private static final Set<String> WITHOUT_OWNERS =
            Set.of("vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "cifs", "smb3");

    /**
     * Refuses a store or folder of another user, if this process is root's.
     *
     * @throws IOException names the folder, its owner and the remedy
     */
    static void refuseForeign(StoreLayout layout) throws IOException {
        Optional<StoreOwner> foreign = foreign(layout);
        if (foreign.isPresent()) {
            throw new IOException(foreign.get().refusal());
        }
    }

    /**
     * The owner, if he is another than the user of this process, and that is root, and what root makes there is not his
     * all the same.
     */
    static Optional<StoreOwner> foreign(StoreLayout layout) throws IOException {
        Optional<StoreOwner> found = of(layout);
        // Asked only then, because each may need a file.
        return found.isPresent()
                        && found.get().uid() != ROOT
                        && ownUid() == ROOT
                        && !ownsWhatIsMade(found.get().folder(), found.get().uid())
                ? found
                : Optional.empty();
    }

    /**
     * Whether a file that this process makes in a folder is that user's. Elsewhere than on a disk of this machine (NFS,
     * 9p, virtiofs, FUSE) the other side may say whose it is, and only a file tells. It is gone when this returns, and
     * the folder as old as before.
     *
     * @return false also where no file can be made
     */
    static boolean ownsWhatIsMade(Path folder, long uid) {
        try {
            FileTime before = Files.getLastModifiedTime(folder);
            Path file = Files.createTempFile(folder, ".whose-", "");
            try {
                return number(file, "unix:uid") == uid;
            } finally {
                Files.delete(file);
                Files.setLastModifiedTime(folder, before);
            }
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    /**
     * Whose a store is, or the folder that it is to be in.
     *
     * @return empty if there is no folder, it is not shown to this process, or the file system knows of no owners
     */
    static Optional<StoreOwner> of(StoreLayout layout) {
        Path folder = layout.root().toAbsolutePath();
        try {
            Optional<StoreOwner> ofStore = of(folder, layout.lock());
            Optional<StoreOwner> found = ofStore.isPresent() ? ofStore : of(folder, folder);
            return found.isPresent() && hasOwners(Files.getFileStore(folder).type()) ? found : Optional.empty();
        } catch (IOException | UnsupportedOperationException e) {
            // Whoever opens it finds out the same, and says it.
            return Optional.empty();
        }
    }

    private static Optional<StoreOwner> of(Path folder, Path asked) throws IOException {
        try {
            long uid = number(asked, "unix:uid");
            long gid = number(asked, "unix:gid");
            return Optional.of(new StoreOwner(folder, uid, gid, nameOf(asked, uid)));
        } catch (NoSuchFileException e) {
            return Optional.empty();
        }
    }

    private static long number(Path asked, String attribute) throws IOException {
        return Integer.toUnsignedLong((int) Files.getAttribute(asked, attribute));
    }

    // Who has no name is given the number as the library reads it, with a sign.
    private static String nameOf(Path asked, long uid) throws IOException {
        String name = Files.getOwner(asked).getName();
        return name.equals(Integer.toString((int) uid)) ? Long.toString(uid) : name;
    }

    /** Whether each file of such a file system has an owner of its own. */
    static boolean hasOwners(String type) {
        return !WITHOUT_OWNERS.contains(type);
    }

    // Of a system that does not show processes as files, by whose a new file is.
    private static long ownUid() throws IOException {
        if (Files.exists(OWN_PROCESS)) {
            return number(OWN_PROCESS, "unix:uid");
        }
        Path file = Files.createTempFile("entrepot-whose", "");
        try {
            return number(file, "unix:uid");
        } finally {
            Files.delete(file);
        }
    }

    /** Why root must not write there, and what to do. */
    String refusal() {
        return "the cache directory " + folder + " belongs to " + shown() + ", whose server could not be started any"
                + " more with files of root in it: run this as that user (" + asOwner() + " ...);"
                + " or start the server, which most commands ask then;"
                + " or name another folder (cache.directory, or --data);"
                + " or, if only root is to use this one from now on: chown -R 0:0 " + folder + "/.";
    }

    /** What it means that root serves it all the same, and what to do. */
    String warning() {
        return "the cache directory " + folder + " belongs to " + shown() + ", and this server is root's, as is what it"
                + " makes there: a server of " + name + " cannot be started on it any more; run this one as that user,"
                + " or, if only root is to use the folder from now on: chown -R 0:0 " + folder + "/.";
    }

    private String shown() {
        return hasName() ? name + " (user " + uid + ")" : "the user " + uid;
    }

    private boolean hasName() {
        return !name.equals(Long.toString(uid));
    }

    private String asOwner() {
        Optional<String> service = ofDynamicUser();
        if (service.isPresent()) {
            return "systemd-run --pipe --wait -p DynamicUser=yes -p User=" + service.get() + " -p StateDirectory="
                    + service.get();
        }
        return hasName() ? "sudo -u " + name : "setpriv --reuid=" + uid + " --regid=" + gid + " --clear-groups";
    }

    private Optional<String> ofDynamicUser() {
        try {
            return ofDynamicUser(folder.toRealPath());
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    /** The service that a folder is of, if that has a user only while it runs. */
    static Optional<String> ofDynamicUser(Path real) {
        return real.startsWith(OF_DYNAMIC_USERS) && !real.equals(OF_DYNAMIC_USERS)
                ? Optional.of(real.getName(OF_DYNAMIC_USERS.getNameCount()).toString())
                : Optional.empty();
    }
}
