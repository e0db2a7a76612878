using SQLitePCL;

namespace Backhaul.Node.Journal.Sqlite;

/// <summary>SQLite answered with an error. Codes as in sqlite3.h; <see cref="Exception.Message"/> is a sentence for the operator.</summary>
internal sealed class SqliteFailure(int extendedCode, string text, string doing) : Exception(Sentence(extendedCode, text, doing))
{
    private const int CodeMask = 0xff;

    public int ExtendedCode { get; } = extendedCode;

    public int Code => ExtendedCode & CodeMask;

    /// <summary>A row of that key exists.</summary>
    public bool IsDuplicate => ExtendedCode is raw.SQLITE_CONSTRAINT_PRIMARYKEY or raw.SQLITE_CONSTRAINT_UNIQUE;

    /// <summary>Another connection holds the file.</summary>
    public bool IsLocked => Code is raw.SQLITE_BUSY or raw.SQLITE_LOCKED;

    /// <summary>The file is not what it should be.</summary>
    public bool IsCorrupt => Code is raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB;

    /// <summary>The disk did not do what it was told; whether the last write is there is not known.</summary>
    public bool IsInputOutput => Code is raw.SQLITE_IOERR;

    private static string Sentence(int extendedCode, string text, string doing) => (extendedCode & CodeMask) switch
    {
        raw.SQLITE_FULL =>
            $"The disk of the journal is full, or its file has reached Backhaul:Journal:Sqlite:SizeMaxMiB ({doing}). "
            + "Make room; the node goes on by itself.",
        raw.SQLITE_IOERR =>
            $"The disk of the journal reported an error ({doing}: {text}, code {extendedCode}). Check the disk and the system's log.",
        raw.SQLITE_CORRUPT or raw.SQLITE_NOTADB =>
            $"The journal's database file is damaged ({doing}: {text}). Stop the node and restore the file from a backup.",
        raw.SQLITE_READONLY or raw.SQLITE_PERM or raw.SQLITE_CANTOPEN =>
            $"The journal's database file cannot be opened for writing ({doing}: {text}). Give the user that runs the node the right to write it.",
        _ => $"The journal's database refused a call ({doing}: {text}, code {extendedCode}).",
    };
}
