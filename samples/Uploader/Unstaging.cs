using Backhaul.Client;
using Backhaul.Protocol;

namespace Backhaul.Samples.Uploader;

/// <summary>Removes the staged file of each upload that ended. Its event is acknowledged after that: what one run does not come to, the next one does.</summary>
internal sealed class Unstaging(BackhaulClient client) : ISessionDelegate
{
    public static FileReference FileOf(string task) => FileReference.Parse($"default/uploader/{task}");

    public async ValueTask TaskCompletedAsync(TaskEvent<TaskCompletedData> completed, CancellationToken stop) =>
        await client.Files.DeleteAsync(FileOf(completed.Task), stop: stop);
}
