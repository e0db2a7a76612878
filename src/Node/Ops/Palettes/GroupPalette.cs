using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Ops.Palettes;

/// <summary><c>group</c>: the tasks of one group of a session together.</summary>
internal sealed class GroupPalette(SessionAsk ask) : IPalette
{
    public string Name => "group";

    public string Help => "Groups of a session's tasks: hold them, let them go on.";

    public IReadOnlyList<PaletteCommand> Commands =>
    [
        Act("suspend", "Suspends every task of a group; parts of downloads are kept.", GroupAct.Suspend),
        Act("resume", "Resumes every suspended task of a group.", GroupAct.Resume),
    ];

    private PaletteCommand Act(string name, string help, GroupAct act) => new()
    {
        Name = name,
        Help = help,
        Arguments = [Words.Session, Words.Group],
        Switches = [Words.Tenant],
        Role = OperatorRole.Operator,
        Writes = true,
        Run = async (invocation, output, stop) =>
        {
            if (!GroupName.TryParse(invocation.Argument("group"), out var group))
                throw new PaletteUsageException($"'{invocation.Argument("group")}' names no group. {GroupName.Rule}");
            var answer = await ask.SendAsync(invocation.Session(), new SessionCommand.ActOnGroup(group, act), output, stop);
            return answer.Exit ?? await WriteAsync(answer, invocation, output);
        },
    };

    private static async ValueTask<PaletteExit> WriteAsync(SessionAsk.Answer answer, PaletteInvocation invocation, PaletteOutput output)
    {
        if (invocation.Json)
        {
            await output.JsonAsync(answer.Json);
            return PaletteExit.Done;
        }
        var view = answer.Read(ProtocolJson.Default.GroupView);
        var counts = view.Counts;
        var table = new TextTable(output, "Group", "Mode", "Suspended", "Waiting", "Running", "Canceling", "Next");
        await table.RowAsync(
            view.Name, view.Mode, Columns.Number(counts.Suspended), Columns.Number(counts.Waiting), Columns.Number(counts.Running), Columns.Number(counts.Canceling), view.Next);
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(counts.Suspended + counts.Waiting + counts.Running + counts.Canceling, "task", "tasks"));
        return PaletteExit.Done;
    }
}
