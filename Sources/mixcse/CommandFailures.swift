// Which errors of the modules end the command with their own message and exit code.

import Comparison
import Encoder
import Evaluation
import Files
import Host
import ModelFiles
import Objective
import Ranks
import Search
import TextData
import Tokenizer
import Training

extension TrainingError: CommandFailure {}
extension ComparisonError: CommandFailure {}
extension EncoderError: CommandFailure {}
extension EncoderFailure: CommandFailure {}
extension EvaluationError: CommandFailure {}
extension ObjectiveError: CommandFailure {}
extension PluginError: CommandFailure {}
extension PluginFailure: CommandFailure {}
extension RankFailure: CommandFailure {}
extension RanksError: CommandFailure {}
extension SearchError: CommandFailure {}
extension TextDataError: CommandFailure {}
extension TokenizerError: CommandFailure {}
extension UsageError: CommandFailure {}
extension FileError: CommandFailure {}
extension ModelFileError: CommandFailure {}
