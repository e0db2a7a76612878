using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// An upload that its task will not finish, and whose target was not told yet. It holds what the telling needs, because by then the task is in the archive, and the
/// session may be of another generation with other configurations. Persisted as part of a snapshot: append only.
/// </summary>
/// <param name="Generation">The session's, when the task ended.</param>
/// <param name="Task">As it was before its end, without what nobody sends any more.</param>
/// <param name="Configuration">The task's version, with the access that its last attempt had.</param>
internal sealed record AbandonedUpload(int Generation, TaskState Task, SessionConfiguration Configuration)
{
    public static AbandonedUpload Of(Session session, TaskState task)
    {
        var access = session.Configurations[task.Run!.AccessVersion ?? task.ConfigurationVersion];
        return new AbandonedUpload(
            session.Generation,
            task with
            {
                Spec = task.Spec with { Description = null, Parts = null, Multipart = null },
                Run = task.Run with { Attempts = [], Response = null, Error = null, Challenge = null },
            },
            session.Configurations[task.ConfigurationVersion] with { Credentials = access.Credentials, Proxy = access.Proxy, Tls = access.Tls });
    }
}
