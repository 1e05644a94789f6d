package dev.entrepot.replicator.journal;

import java.io.IOException;
import java.sql.SQLException;

/** The file of a journal is damaged, or is no database. The message names it, and what to do. */
public final class DamagedJournalException extends IOException {
    DamagedJournalException(String message, SQLException cause) {
        super(message, cause);
    }
}
