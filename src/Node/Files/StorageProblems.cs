using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>What a client is told when a disk refused.</summary>
internal static class StorageProblems
{
    /// <summary>A move is a rename or a copy within one store; the bytes do not pass through a node.</summary>
    public static Problem OtherStore(FileMove move) => new()
    {
        Status = 409,
        Code = ProblemCodes.InvalidPath,
        Detail = $"A file cannot be moved from the container {move.From} to {move.To}: they are in different stores. Read it and store it there.",
    };

    public static Problem Of(StorageException refused)
    {
        var (status, code) = refused.Failure switch
        {
            StorageFailure.Full => (507, ProblemCodes.StorageFull),
            StorageFailure.Blocked => (409, ProblemCodes.InvalidPath),
            StorageFailure.Away => (503, ProblemCodes.StorageFailed),
            _ => (500, ProblemCodes.StorageFailed),
        };
        return new Problem { Status = status, Code = code, Detail = refused.Message };
    }

    public static Problem ConditionFailed() => new()
    {
        Status = 412,
        Code = ProblemCodes.PreconditionFailed,
        Detail = "The file is not the one that the request's conditions ask for. Look at it again, and repeat the request with its present ETag.",
    };
}
