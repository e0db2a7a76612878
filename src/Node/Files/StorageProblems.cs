using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>What a client is told when a disk refused.</summary>
internal static class StorageProblems
{
    public static Problem Of(StorageException refused)
    {
        var (status, code) = refused.Failure switch
        {
            StorageFailure.Full => (507, ProblemCodes.StorageFull),
            StorageFailure.Blocked => (409, ProblemCodes.InvalidPath),
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
