package dev.entrepot.cache;

import java.sql.SQLException;

/** Something that {@link IndexWriter} is to write. */
interface IndexChange {
    /** The room among the pending changes that was {@linkplain IndexWriter#admit admitted} for it, in bytes. */
    int admittedBytes();

    /** Writes it within the transaction; called again if the transaction is rolled back. */
    void save(IndexUpdates updates) throws SQLException;

    /** Called when the transaction has committed, or when it was given up. */
    void settled();
}
